import type { Case } from './case.ts';
import type { Projects, Release } from './releases.ts';

/** The same choices each time for the same seed: a mulberry32, whose 32 bits of state do for this. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1);
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  isSo(percent: number): boolean {
    return this.below(100) < percent;
  }

  one<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  }

  some<T>(choices: readonly T[], count: number): readonly T[] {
    const left = [...choices];
    return Array.from({ length: Math.min(count, left.length) }, () => {
      const [taken] = left.splice(this.below(left.length), 1);
      return taken as T;
    });
  }
}

const names = ['fx-a', 'fx-b', 'fx-c', 'fx-d', 'fx-e', 'fx-f', 'fx-g'];
const versions = ['1.0', '1.1', '2.0a1', '2.0', '2.1.post1', '3.0'];

/** How many there are of them, unless the variable says otherwise. */
const count = Number(process.env['DECISIONS_RANDOM'] ?? 66);
const parts = 3;

/** @param part from 1 on; all parts are of about the same size. */
export function randomCases(part: number): readonly Case[] {
  const seeds = Array.from({ length: count }, (_, seed) => seed);
  return seeds.filter((seed) => seed % parts === part - 1).map(randomCase);
}

/**
 * A graph of projects that require each other in whatever way, a request of some of them, and
 * another graph of the same projects for later. Some requests have no answer.
 */
function randomCase(seed: number): Case {
  const chance = new Chance(seed);
  const first = graph(chance);
  const later = graph(chance);
  const isSplit = chance.isSo(30);
  const asked = chance.some(names, 1 + chance.below(3));
  // One at least is not pinned: what is pinned holds whatever the index says later.
  const words = asked.map((name, index) =>
    index === 0 || chance.isSo(40) ? name : name + range(chance),
  );
  const constraints = chance.some(names, 2).map((name) => name + range(chance));
  const extra = isSplit ? ['--extra-index-url', '{extra}'] : [];
  const options = [
    ...(chance.isSo(15) ? ['--pre'] : []),
    ...(chance.isSo(15) ? ['--prefer-binary'] : []),
    ...(chance.isSo(20) ? ['--upgrade'] : []),
    ...(chance.isSo(25) ? ['-c', 'c.txt'] : []),
    ...extra,
  ];
  const present = chance.isSo(30) ? installable(first, chance.some(names, 2)) : [];
  return {
    name: `seed ${seed}: ${[...options, ...words].join(' ')}`,
    world: isSplit ? split(first, chance) : { main: first },
    later: isSplit ? split(later, chance) : { main: later },
    words: [...options, ...words],
    files: { 'c.txt': `${constraints.join('\n')}\n` },
    ...(present.length > 0 ? { before: ['--no-deps', ...extra, ...present] } : {}),
  };
}

function graph(chance: Chance): Projects {
  return Object.fromEntries(
    names.map((name) => {
      const count = 1 + chance.below(versions.length);
      const own = chance.some(versions, count).toSorted();
      return [name, Object.fromEntries(own.map((version) => [version, release(chance, name)]))];
    }),
  );
}

function release(chance: Chance, name: string): Release {
  const others = names.filter((other) => other !== name);
  const requires = chance.some(others, chance.below(3)).map((other) => {
    const marker = chance.isSo(10) ? `; python_version ${chance.one(['<', '>='])} "3"` : '';
    return other + (chance.isSo(40) ? '' : range(chance)) + marker;
  });
  const [optional = ''] = chance.some(others, 1);
  return {
    requires: [...requires, ...(chance.isSo(10) ? [`${optional}; extra == "more"`] : [])],
    ...(chance.isSo(6) ? { python: chance.one(['>=99', '<3', '>=3']) } : {}),
    ...(chance.isSo(8) ? { yanked: chance.one(['', 'it was broken']) } : {}),
    ...(chance.isSo(6) ? { files: chance.one([['sdist'], ['sdist', 'py3-none-any']]) } : {}),
  };
}

function range(chance: Chance): string {
  const version = chance.one(versions);
  const operator = chance.one(['>=', '>=', '<', '<=', '==', '!=', '>', '~=']);
  return operator === '~=' ? `~=${version.slice(0, 3)}` : operator + version;
}

/** Each project on one of two indexes, or on both. */
function split(projects: Projects, chance: Chance): Readonly<Record<'main' | 'extra', Projects>> {
  const parts: Record<'main' | 'extra', Record<string, Readonly<Record<string, Release>>>> = {
    main: {},
    extra: {},
  };
  for (const [name, releases] of Object.entries(projects)) {
    const places = chance.one([['main'], ['extra'], ['main', 'extra']] as const);
    for (const place of places) parts[place][name] = releases;
  }
  return parts;
}

/** What pip installs by itself, without what it requires. */
function installable(projects: Projects, chosen: readonly string[]): readonly string[] {
  return chosen.flatMap((name) => {
    const found = Object.entries(projects[name] ?? {}).find(
      ([, release]) => !('python' in release) && !('yanked' in release),
    );
    return found ? [`${name}==${found[0]}`] : [];
  });
}
