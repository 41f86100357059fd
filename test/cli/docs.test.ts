/**
 * The commands of README.md and docs/ do what is said there. Convention: what stands after `$ `
 * in a `console` block is run, all blocks of a page in one shell and in their order; the lines
 * below it have to come out in that order, with `…` for anything. Commands that need the outside
 * world stand in blocks of other languages.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseToml } from 'smol-toml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { parseIni } from '../../src/config/ini.ts';
import { makeFixtures } from '../install/site.ts';
import { executable, Sandbox } from './sandbox.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const pages = [
  'README.md',
  ...readdirSync(join(repository, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const requirements = 'fx-pure==1.0\nfx-cext==1.0\nfx-wheel-entry-points[extra]==1.0\n';

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  yaml: (text) => parseYaml(text),
  toml: (text) => parseToml(text),
  ini: (text) => parseIni(text),
};

interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
}

const blocksOf = (page: string): readonly Block[] => {
  const text = readFileSync(join(repository, page), 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(
    ({ 1: language = '', 2: body = '', index }) => ({
      language,
      text: body,
      line: text.slice(0, index).split('\n').length,
    }),
  );
};

const blocks = pages.flatMap((page) => blocksOf(page).map((block) => ({ page, ...block })));
const runnable = pages.filter((page) =>
  blocksOf(page).some(({ language }) => language === 'console'),
);

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
  makeFixtures(join(sandbox.root, 'fixtures'));
  mkdirSync(join(sandbox.root, 'bin'));
  symlinkSync(executable, join(sandbox.root, 'bin', 'pip-accel'));
});
afterAll(() => sandbox[Symbol.dispose]());

test.each(runnable)('%s: its commands run and say what is shown', (page) => {
  const folder = join(sandbox.root, page.replace(/\W/g, '-'));
  mkdirSync(folder);
  writeFileSync(join(folder, 'requirements.txt'), requirements);
  const steps = blocksOf(page)
    .filter(({ language }) => language === 'console')
    .flatMap((block) => stepsOf(block));
  const script = steps.map(({ command, line }) => `echo '@@ ${line}'\n${command}`).join('\n');
  const { stdout, stderr, exitCode } = sandbox.run(['bash', '-c', `exec 2>&1\nset -e\n${script}`], {
    cwd: folder,
    environment: {
      PATH: `${join(sandbox.root, 'bin')}:${process.env['PATH'] ?? ''}`,
      PIP_FIND_LINKS: join(sandbox.root, 'fixtures', 'index'),
    },
  });
  expect({ exitCode, output: exitCode === 0 ? '' : stdout + stderr }).toEqual({
    exitCode: 0,
    output: '',
  });
  const said = new Map(
    stdout.split(/^@@ /m).map((part) => {
      const end = part.indexOf('\n');
      return [Number(part.slice(0, end)), part.slice(end + 1)] as const;
    }),
  );
  for (const { line, command, shown } of steps) {
    expect(said.get(line), `${page}:${line}: ${command}`).toMatch(shown);
  }
});

interface Step {
  readonly line: number;
  readonly command: string;
  readonly shown: RegExp;
}

/** Each `$ ` line with what is shown below it. */
function stepsOf(block: Block): readonly Step[] {
  const lines = block.text.split('\n').slice(0, -1);
  return lines.flatMap((text, index) => {
    if (!text.startsWith('$ ')) return [];
    const after = lines.slice(index + 1);
    const next = after.findIndex((other) => other.startsWith('$ '));
    const shown = next === -1 ? after : after.slice(0, next);
    return [{ line: block.line + index + 1, command: text.slice(2), shown: patternOf(shown) }];
  });
}

function patternOf(lines: readonly string[]): RegExp {
  const escaped = lines.map((line) =>
    line
      .split('…')
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*'),
  );
  // Output that is not shown may stand between any two lines.
  return new RegExp(escaped.map((line) => `^${line}$`).join('[^]*'), 'm');
}

test.each(blocks.filter(({ language }) => language in parsers))(
  '$page:$line: the $language can be read',
  ({ language, text }) => {
    expect(parsers[language]?.(text)).toBeTruthy();
  },
);

test('links between the pages lead to a page and a heading', () => {
  const broken = pages.flatMap((page) => {
    const text = readFileSync(join(repository, page), 'utf8');
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
    return targets
      .filter(([, path = '', heading]) => !leadsSomewhere(page, path, heading))
      .map(([link]) => `${page}: ${link}`);
  });
  expect(broken).toEqual([]);
});

function leadsSomewhere(page: string, path: string, heading: string | undefined): boolean {
  const target = path === '' ? join(repository, page) : join(repository, page, '..', path);
  let text: string;
  try {
    text = readFileSync(target, 'utf8');
  } catch {
    return false;
  }
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
  return heading === undefined || headings.includes(heading);
}
