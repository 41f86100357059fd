import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withReference } from '../../docs/reference.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');
const page = read('docs/configuration.md');

test('docs/configuration.md names every option and error as the code does (else: npm run docs)', () => {
  expect(page).toBe(withReference(page));
});

test('docs/configuration.md names every event that a line of JSON can hold', () => {
  const events = [...read('src/core/events.ts').matchAll(/readonly type: '([\w-]+)'/g)]
    .map(([, type = '']) => type)
    .filter((type) => type !== 'pip-line' && type !== 'warning');
  const listed = [...page.matchAll(/^\| `([\w-]+)` \| `(?:debug|verbose|info|warning)` \|/gm)].map(
    ([, type = '']) => type,
  );
  expect(listed.toSorted()).toEqual(events.toSorted());
});

test('docs/architecture.md names every folder of src', () => {
  const architecture = read('docs/architecture.md');
  const folders = readdirSync(join(import.meta.dirname, '../../src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  for (const folder of folders) expect(architecture).toContain(`src/${folder}/`);
});
