import { compareWithPip } from './compare.ts';
import type { Projects, Release } from './releases.ts';

const main = {
  'fx-a': { '1.0': ['fx-lib<2'], '2.0': ['fx-lib<2'] },
  'fx-b': { '1.0': ['fx-lib>=2'], '2.0': ['fx-lib>=3'] },
  'fx-lib': { '1.0': [], '2.0': [], '3.0': [] },
};
const world = { main };

compareWithPip('conflicts', [
  { name: 'of two that are named', world, words: ['fx-a', 'fx-b'] },
  { name: 'of two that are pinned', world, words: ['fx-a==1.0', 'fx-b==1.0'] },
  { name: 'of what is named and a dependency', world, words: ['fx-a', 'fx-lib>=2'] },
  { name: 'of the same name twice', world, words: ['fx-lib==1.0', 'fx-lib==2.0'] },
  {
    name: 'in files of requirements',
    world,
    words: ['-r', 'r.txt', '-r', 's.txt'],
    files: { 'r.txt': 'fx-lib<2\n', 's.txt': 'fx-lib>2\n' },
  },
  {
    name: 'with a constraint',
    world,
    words: ['-c', 'c.txt', 'fx-b'],
    files: { 'c.txt': 'fx-lib<2\n' },
  },
  {
    name: 'in all releases',
    world: { main: { ...main, 'fx-top': { '1.0': ['fx-a', 'fx-b'], '2.0': ['fx-a', 'fx-b'] } } },
    words: ['fx-top'],
  },
  {
    name: 'that end later',
    world,
    later: { main: { ...main, 'fx-a': { ...main['fx-a'], '3.0': ['fx-lib'] } } },
    words: ['fx-a', 'fx-b'],
  },
  {
    name: 'that begin later',
    world: { main: { ...main, 'fx-a': { '3.0': ['fx-lib'] } } },
    later: world,
    words: ['fx-a', 'fx-b'],
  },
  {
    name: 'of extras',
    world: { main: { ...main, 'fx-x': { '1.0': ['fx-a; extra == "a"', 'fx-b; extra == "b"'] } } },
    words: ['fx-x[a,b]'],
  },
  {
    name: 'with Python, of a dependency',
    world: { main: { 'fx-a': { '1.0': ['fx-lib'] }, 'fx-lib': { '1.0': { python: '<3' } } } },
    words: ['fx-a'],
  },
  { name: 'of a requirement with itself', world, words: ['fx-lib<1,>2'] },
  { name: 'that nobody minds', world, words: ['--no-deps', 'fx-a', 'fx-b', 'fx-lib'] },
]);

compareWithPip('what is not there', [
  { name: 'a project', world, words: ['fx-none'] },
  { name: 'a project, beside one that is there', world, words: ['fx-lib', 'fx-none'] },
  { name: 'a version', world, words: ['fx-lib==9.0'] },
  { name: 'a range', world, words: ['fx-lib>9,<10'] },
  {
    name: 'a dependency',
    world: { main: { 'fx-app': { '1.0': ['fx-none'] } } },
    words: ['fx-app'],
  },
  {
    name: 'a dependency of the newest',
    world: { main: { 'fx-app': { '1.0': [], '2.0': ['fx-none'] } } },
    words: ['fx-app'],
  },
  {
    name: 'a version of a dependency',
    world: {
      main: { 'fx-app': { '1.0': ['fx-lib'], '2.0': ['fx-lib>=9'] }, 'fx-lib': { '1.0': [] } },
    },
    words: ['fx-app'],
  },
  {
    name: 'a project with releases for others alone',
    world: { main: { 'fx-lib': { '1.0': { files: ['py2-none-any'] } } } },
    words: ['fx-lib'],
  },
  {
    name: 'a pinned version of a dependency',
    world: { main: { 'fx-app': { '1.0': ['fx-lib==9.0'] }, 'fx-lib': { '1.0': [] } } },
    words: ['fx-app==1.0'],
  },
  { name: 'an index', world: { main: {} }, words: ['fx-lib'] },
  { name: 'a requirement', world, words: [] },
  { name: 'sense in a requirement', world, words: ['fx-lib=='] },
]);

/** A chain whose newest releases all want a last one that the first cannot have. */
function chain(depth: number, width: number): Projects {
  const projects: Record<string, Record<string, Release>> = {};
  for (let link = 1; link <= depth; link += 1) {
    const releases: Record<string, Release> = {};
    for (let version = 1; version <= width; version += 1) {
      const requires = link < depth ? [`fx-${link + 1}`] : [`fx-last==${version}.0`];
      releases[`${version}.0`] = requires;
    }
    projects[`fx-${link}`] = releases;
  }
  const last = Array.from({ length: width }, (_, index) => [`${index + 1}.0`, []]);
  return { ...projects, 'fx-last': Object.fromEntries(last) };
}

compareWithPip('backtracking', [
  {
    name: 'by one release',
    world: { main: { ...main, 'fx-b': { '1.0': ['fx-lib'], '2.0': ['fx-lib>=3'] } } },
    words: ['fx-a', 'fx-b'],
    later: world,
  },
  { name: 'at the end of a chain', world: { main: chain(3, 3) }, words: ['fx-1', 'fx-last<3'] },
  {
    name: 'at the end of a long chain',
    world: { main: chain(5, 4) },
    words: ['fx-1', 'fx-last<2'],
  },
  {
    name: 'without an end that is good',
    world: { main: chain(3, 3) },
    words: ['fx-1', 'fx-last>3'],
  },
  {
    name: 'over many releases',
    world: {
      main: {
        'fx-app': Object.fromEntries(
          Array.from({ length: 25 }, (_, index) => [
            `1.${index}`,
            [index < 3 ? 'fx-lib<2' : 'fx-lib>=2'],
          ]),
        ),
        'fx-lib': main['fx-lib'],
      },
    },
    words: ['fx-app', 'fx-lib<2'],
  },
  {
    name: 'over sdists',
    world: {
      main: {
        'fx-app': {
          '1.0': { requires: ['fx-lib<2'], files: ['sdist'] },
          '2.0': { requires: ['fx-lib>=2'], files: ['sdist'] },
          '3.0': { requires: ['fx-lib>=3'], files: ['sdist'] },
        },
        'fx-lib': main['fx-lib'],
      },
    },
    words: ['fx-app', 'fx-lib<2'],
  },
  {
    name: 'in a circle',
    world: {
      main: {
        'fx-x': { '1.0': ['fx-y'], '2.0': ['fx-y>=2'] },
        'fx-y': { '1.0': ['fx-x'], '2.0': ['fx-x<2'] },
      },
    },
    words: ['fx-x'],
  },
  {
    name: 'in a circle of three',
    world: {
      main: {
        'fx-x': { '1.0': ['fx-y'] },
        'fx-y': { '1.0': ['fx-z'], '2.0': ['fx-z'] },
        'fx-z': { '1.0': ['fx-x==1.0'] },
      },
    },
    words: ['fx-z'],
  },
  {
    name: 'over what is for other Pythons',
    world: {
      main: {
        'fx-app': { '1.0': ['fx-lib'], '2.0': ['fx-new'] },
        'fx-lib': { '1.0': [] },
        'fx-new': { '1.0': { python: '>=99' } },
      },
    },
    words: ['fx-app'],
  },
]);
