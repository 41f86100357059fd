import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { readArchiveName } from '../../src/plan/pinned/filename.ts';
import { readCsv } from '../../src/python/csv.ts';
import { parseHeaders } from '../../src/python/metadata.ts';
import { normalizeName } from '../../src/python/names.ts';
import {
  contains,
  formatSpecifiers,
  formatVersion,
  parseSpecifiers,
  parseVersion,
} from '../../src/python/pep440.ts';
import {
  evaluateMarker,
  formatMarker,
  formatRequirement,
  parseMarker,
  parseRequirement,
} from '../../src/python/pep508.ts';
import { splitLines } from '../../src/python/text.ts';
import { requirements, versions } from './corpus.ts';
import { Mutator, seededRandom } from './mutate.ts';
import { markers } from './text-targets.ts';

/** Of the kinds of `oracle.py`: questions out of the corpus and near it, and our own answers. */
interface Comparison<Question> {
  readonly kind: string;
  /** Of all the pairs that are asked for. */
  readonly share: number;
  readonly ask: (draw: Draw) => Question;
  /** In the form of `oracle.py`; undefined where both are right. */
  readonly answer: (question: Question) => unknown;
}

interface Draw {
  readonly random: () => number;
  readonly pick: <Item>(items: readonly Item[]) => Item;
  /** A line with something changed. */
  readonly mutate: (line: string, dictionary: 'versions' | 'words') => string;
}

interface Pair {
  readonly version: string;
  readonly specifiers: string;
  readonly prereleases: boolean | null;
}

const operators = ['==', '!=', '<', '<=', '>', '>=', '~=', '==='];
const realSpecifiers = requirements.flatMap((line) => {
  const written = line.split(';')[0] ?? '';
  const found = /[<>=!~][^)]*/.exec(written)?.[0];
  return found === undefined ? [] : [found];
});
const realMarkers = requirements.flatMap((line) => line.split(/;\s*/).slice(1));

const pair: Comparison<Pair> = {
  kind: 'pair',
  share: 0.8,
  ask: ({ random, pick, mutate }) => {
    const version = random() < 0.7 ? pick(versions) : mutate(pick(versions), 'versions');
    const near = (): string => {
      const base = random() < 0.5 ? version : pick(versions);
      return random() < 0.6 ? base : mutate(base, 'versions');
    };
    const clause = (): string =>
      pick(operators) + (random() < 0.2 ? ' ' : '') + near() + (random() < 0.1 ? '.*' : '');
    const made = random() < 0.3 ? `${clause()},${clause()}` : clause();
    const specifiers = random() < 0.3 ? pick(realSpecifiers) : made;
    return { version, specifiers, prereleases: pick([true, false, null]) };
  },
  answer: ({ version, specifiers, prereleases }) => {
    const [parsed, set] = [parseVersion(version), parseSpecifiers(specifiers)];
    const spelling = parsed && formatVersion(parsed);
    if (set === null) return [spelling, null, null];
    return [spelling, formatSpecifiers(set), contains(set, version, prereleases)];
  },
};

const requirement: Comparison<string> = {
  kind: 'requirement',
  share: 0.08,
  ask: ({ random, pick, mutate }) =>
    random() < 0.3 ? pick(requirements) : mutate(pick(requirements), 'words'),
  answer: (text) => {
    const parsed = parseRequirement(text);
    if (parsed === null) return hasPythonText(text) ? undefined : [null, null];
    return [
      formatRequirement(parsed),
      parsed.marker && evaluateMarker(parsed.marker, markers, 'test'),
    ];
  },
};

const marker: Comparison<string> = {
  kind: 'marker',
  share: 0.06,
  ask: ({ random, pick, mutate }) => {
    const one = random() < 0.3 ? pick(realMarkers) : mutate(pick(realMarkers), 'words');
    return random() < 0.3 ? `(${one}) ${pick(['and', 'or'])} ${pick(realMarkers)}` : one;
  },
  answer: (text) => {
    const parsed = parseMarker(text);
    if (parsed === null) return hasPythonText(text) ? undefined : [null, null];
    return [formatMarker(parsed), evaluateMarker(parsed, markers, 'test')];
  },
};

/** What `packaging` reads as Python source, and we leave to it. */
function hasPythonText(text: string): boolean {
  return /[\\\n\r\0]/.test(text);
}

const wheel: Comparison<string> = {
  kind: 'wheel',
  share: 0.03,
  ask: ({ random, pick, mutate }) => {
    const tags = pick([
      'py3-none-any',
      'py2.py3-none-any',
      'cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64',
      'CP311-abi3-win32',
    ]);
    const build = pick(['', '', '-1', '-1a_b', '-x']);
    const name = `${pick(['a', 'A_b.c', 'é', 'a__b'])}-${pick(versions).replaceAll('-', '_')}${build}-${tags}.whl`;
    return random() < 0.6 ? name : mutate(name, 'versions');
  },
  answer: (filename) => {
    if (!filename.endsWith('.whl')) return null;
    const key = normalizeName(filename.split('-')[0] ?? '');
    const read = readArchiveName(filename, key, '26.3');
    if (read === null || read === 'unclear' || read.wheel === null) return null;
    const { tags, build } = read.wheel;
    return [key, formatVersion(read.version), [...new Set(tags)].sort(), build ?? []];
  },
};

const headerSeeds = [
  'Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b; \n\tx\n\nbody',
  'Name:a\r\nX-Y:  z \r\n w\r\n\r\nb',
  'Name : a\nVersion: 1',
  ':x\nName: a',
  ' a: b\nName: c',
  'From a\nName: b',
  'Name: a\rVersion: 2\r\r',
];
const headers: Comparison<string> = {
  kind: 'headers',
  share: 0.02,
  ask: ({ pick, mutate }) => mutate(pick(headerSeeds), 'words'),
  answer: (text) => {
    // In the order of the names, for a map has each once.
    return [...parseHeaders(text)].flatMap(([name, values]) =>
      values.map((value) => [name, value]),
    );
  },
};

const rowSeeds = ['a,b,c\nd,"e,f","g""h"\n', '"a\nb",c,\n\n,', 'a.py,sha256=x,1\r\n"é",,'];
const rows: Comparison<string> = {
  kind: 'rows',
  share: 0.01,
  ask: ({ pick, mutate }) => mutate(pick(rowSeeds), 'words'),
  answer: (text) => readCsv(splitLines(text)),
};

const comparisons = [pair, requirement, marker, wheel, headers, rows] as const;
const batchSize = 2000;

const words = [
  'python_version',
  'extra',
  ' and ',
  ' or ',
  ' in ',
  ' not in ',
  '"3.8"',
  "'test'",
  '(',
  ')',
  '>=',
  '==',
  ';',
  '[',
  ']',
  ',',
  '@ ',
  '~=',
  '===',
  ' ',
  ': ',
  '\n',
  '\r',
  '"',
  '""',
  '\t',
];
const versionWords = [
  '.',
  '!',
  '1',
  '0',
  '.post',
  '.dev1',
  'a1',
  'rc',
  '+local',
  '-',
  '_',
  'v',
  '.0',
  '.*',
];

/** Compares our answers with those of a Python process. */
export async function compareWithPython(
  pairs: number,
  seed: number,
): Promise<{ passed: number; failed: number }> {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random() * items.length)] as Item;
  const mutators = {
    versions: new Mutator(random, versionWords),
    words: new Mutator(random, words),
  };
  const draw: Draw = {
    random,
    pick,
    mutate: (line, dictionary) =>
      mutators[dictionary].mutate(Buffer.from(line), Buffer.from(pick(versions))).toString('utf8'),
  };
  using oracle = openOracle();
  let failed = 0;
  for (const comparison of comparisons as readonly Comparison<unknown>[]) {
    const wanted = Math.ceil(pairs * comparison.share);
    let differing = 0;
    for (let done = 0; done < wanted; done += batchSize) {
      const questions = Array.from({ length: Math.min(batchSize, wanted - done) }, () =>
        comparison.ask(draw),
      );
      const answers = await oracle.ask(comparison.kind, questions);
      for (const [index, question] of questions.entries()) {
        const own = comparison.answer(question);
        if (own === undefined || alike(comparison, own, answers[index])) continue;
        differing += 1;
        if (differing > 12) continue;
        process.stdout.write(
          `FAILED ${comparison.kind} ${JSON.stringify(question)}\n  ours ${JSON.stringify(own)}\n  Python ${JSON.stringify(answers[index])}\n`,
        );
      }
    }
    process.stdout.write(`${comparison.kind}: ${wanted} compared, ${differing} differ\n`);
    if (differing > 0) failed += 1;
  }
  return { passed: comparisons.length - failed, failed };
}

function alike({ kind }: Comparison<unknown>, own: unknown, other: unknown): boolean {
  const sorted = (pairs: unknown): unknown =>
    kind === 'headers'
      ? [...(pairs as string[][])].sort((a, b) =>
          (a[0] ?? '') < (b[0] ?? '') ? -1 : (a[0] ?? '') > (b[0] ?? '') ? 1 : 0,
        )
      : pairs;
  return JSON.stringify(sorted(own)) === JSON.stringify(sorted(other));
}

interface Oracle extends Disposable {
  ask(kind: string, questions: readonly unknown[]): Promise<readonly unknown[]>;
}

function openOracle(): Oracle {
  const python = process.env['PYTHON'] ?? 'python3';
  const script = resolve('test/fuzz/oracle.py');
  const child = spawn(python, [script, packagingWheel(python), JSON.stringify(markers)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout);
  return {
    ask: async (kind, questions) => {
      const answered = once(lines, 'line') as Promise<[string]>;
      child.stdin.write(`${JSON.stringify([kind, questions])}\n`);
      const [line] = await answered;
      return JSON.parse(line) as readonly unknown[];
    },
    [Symbol.dispose]: () => {
      lines.close();
      child.kill();
    },
  };
}

const packagingPin =
  'packaging==26.3 --hash=sha256:d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c\n';

/** The `packaging` that decides doubtful cases, fetched once. */
function packagingWheel(python: string): string {
  const folder = resolve('.tmp/fuzz/oracle');
  const path = join(folder, 'packaging-26.3-py3-none-any.whl');
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const pin = join(folder, 'pin.txt');
  writeFileSync(pin, packagingPin);
  execFileSync(python, [
    '-m',
    'pip',
    'download',
    '-q',
    '--no-deps',
    '--disable-pip-version-check',
    '-d',
    folder,
    '-r',
    pin,
  ]);
  return path;
}
