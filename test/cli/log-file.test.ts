import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { executable, Sandbox } from './sandbox.ts';

test('the log file tells of every install what became of it', () => {
  using sandbox = new Sandbox();
  const log = join(sandbox.root, 'installs.jsonl');
  const install = (...words: string[]) =>
    sandbox.run([executable, 'install', ...words], { environment: { PIP_ACCEL_LOG_FILE: log } });

  expect(install('pip').exitCode).toBe(0);
  expect(install('--target', join(sandbox.root, 'elsewhere'), 'absent').exitCode).toBe(1);

  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { type: string; reason?: string });
  expect(events.at(-2)).toMatchObject({ type: 'installed', linked: 0, direct: 0 });
  expect(events.at(-1)).toMatchObject({ type: 'handed-over', reason: '--target' });
});
