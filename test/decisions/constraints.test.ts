import { compareWithPip } from './compare.ts';

const main = {
  'fx-app': { '1.0': ['fx-lib'], '2.0': ['fx-lib>=2'] },
  'fx-lib': { '1.0': [], '2.0': [], '3.0': [] },
  'fx-full': { '1.0': ['fx-lib; extra == "lib"', 'fx-app; extra == "all"'] },
};
const world = { main };
/** A request under constraints. */
const under = (lines: string, ...words: readonly string[]) => ({
  world,
  words: ['-c', 'c.txt', ...words],
  files: { 'c.txt': `${lines}\n` },
});

compareWithPip('constraints', [
  { name: 'on what is named', ...under('fx-lib<3', 'fx-lib') },
  { name: 'on a dependency', ...under('fx-lib<3', 'fx-app') },
  { name: 'on what nobody requires', ...under('fx-none==1.0', 'fx-lib') },
  { name: 'that leave an older one', ...under('fx-lib<2', 'fx-app') },
  { name: 'that leave nothing', ...under('fx-lib>4', 'fx-lib') },
  { name: 'that leave nothing of a dependency', ...under('fx-lib>4', 'fx-app') },
  { name: 'against the command line', ...under('fx-lib<2', 'fx-lib>=2') },
  { name: 'that pin all', ...under('fx-lib==2.0\nfx-app==2.0', 'fx-app'), isPinned: true },
  { name: 'with a marker that holds', ...under('fx-lib<3; python_version >= "3"', 'fx-lib') },
  { name: 'with a marker that does not', ...under('fx-lib<3; python_version < "3"', 'fx-lib') },
  { name: 'with extras', ...under('fx-full[lib]==1.0', 'fx-full') },
  { name: 'on what is asked for with extras', ...under('fx-full==1.0\nfx-lib<2', 'fx-full[lib]') },
  { name: 'twice on the same', ...under('fx-lib<3\nfx-lib>1', 'fx-lib') },
  { name: 'in another spelling', ...under('FX.Lib < 3', 'fx-lib') },
  { name: 'not named', ...under('-e .', 'fx-lib') },
  {
    name: 'in two files',
    world,
    words: ['-c', 'c.txt', '-c', 'd.txt', 'fx-app'],
    files: { 'c.txt': 'fx-lib<3\n', 'd.txt': 'fx-app<2\n' },
  },
  {
    name: 'by a file that a file names',
    world,
    words: ['-r', 'r.txt'],
    files: {
      'r.txt': '-c c.txt\nfx-app\n',
      'c.txt': '-c d.txt\nfx-app<2\n',
      'd.txt': 'fx-lib<2\n',
    },
  },
  {
    name: 'by a variable',
    world,
    words: ['fx-app'],
    files: { 'c.txt': 'fx-lib==2.0\n' },
    variables: { PIP_CONSTRAINT: '{root}/c.txt' },
  },
  { name: 'from a file that is not there', world, words: ['-c', 'none.txt', 'fx-app'] },
]);

compareWithPip('extras', [
  { name: 'one', world, words: ['fx-full[lib]'] },
  { name: 'several', world, words: ['fx-full[lib,all]'] },
  { name: 'one that is not provided', world, words: ['fx-full[none]'] },
  { name: 'beside the project itself', world, words: ['fx-full', 'fx-full[lib]'] },
  { name: 'with a version', world, words: ['fx-full[all]==1.0', 'fx-lib==3.0'] },
  {
    name: 'of a dependency',
    world: { main: { ...main, 'fx-top': { '1.0': ['fx-full[lib]>=1'] } } },
    words: ['fx-top'],
  },
  {
    name: 'of itself',
    world: {
      main: { ...main, 'fx-self': { '1.0': ['fx-self[b]; extra == "a"', 'fx-lib; extra == "b"'] } },
    },
    words: ['fx-self[a]'],
  },
  {
    name: 'in chains',
    world: {
      main: {
        'fx-a': { '1.0': ['fx-b[x]; extra == "x"'] },
        'fx-b': { '1.0': ['fx-c[x]; extra == "x"'] },
        'fx-c': { '1.0': ['fx-a; extra == "x"', 'fx-d; extra == "x"'] },
        'fx-d': { '1.0': [], '2.0': [] },
      },
    },
    words: ['fx-a[x]'],
  },
  {
    name: 'that the newest release has not',
    world: { main: { ...main, 'fx-new': { '1.0': ['fx-lib; extra == "lib"'], '2.0': [] } } },
    words: ['fx-new[lib]'],
  },
  {
    name: 'in another spelling',
    world: { main: { ...main, 'fx-new': { '1.0': ['fx-lib; extra == "Some_Extra"'] } } },
    words: ['fx-new[some-extra]'],
  },
]);

compareWithPip('markers', [
  { name: 'that hold', world, words: ['fx-lib; python_version >= "3"'] },
  { name: 'that do not', world, words: ['fx-lib; python_version < "3"'] },
  {
    name: 'one that does not, beside others',
    world,
    words: ['fx-app; sys_platform == "fx"', 'fx-lib'],
  },
  {
    name: 'of dependencies',
    world: {
      main: {
        ...main,
        'fx-top': {
          '1.0': [
            'fx-app; os_name == "posix"',
            'fx-none; os_name == "fx"',
            'fx-lib<3; python_full_version >= "3.0"',
          ],
        },
      },
    },
    words: ['fx-top'],
  },
  {
    name: 'that nobody knows',
    world: { main: { ...main, 'fx-top': { '1.0': ['fx-lib; fx_marker == "1"'] } } },
    words: ['fx-top'],
  },
  {
    name: 'in a file of requirements',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': 'fx-lib<2; python_version < "3"\nfx-lib<3; python_version >= "3"\n' },
  },
]);

compareWithPip('files of requirements', [
  {
    name: 'with comments and lines that go on',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '# these\nfx-app \\\n  <2 # no more\n\n   fx-lib\n' },
  },
  {
    name: 'that name another',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '-r more.txt\nfx-app\n', 'more.txt': 'fx-lib<3\n' },
  },
  {
    name: 'that name themselves',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '-r r.txt\nfx-app\n' },
  },
  {
    name: 'that name one that is not there',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '-r none.txt\nfx-app\n' },
  },
  {
    name: 'with variables',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': 'fx-lib==${FX_VERSION}\nfx-app\n' },
    variables: { FX_VERSION: '2.0' },
  },
  {
    name: 'with an option that is none',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--no-such-option\nfx-app\n' },
  },
  {
    name: 'with what is no requirement',
    world,
    words: ['-r', 'r.txt'],
    files: { 'r.txt': 'fx-lib\nfx lib\n' },
  },
  { name: 'that are empty', world, words: ['-r', 'r.txt'], files: { 'r.txt': '\n' } },
  {
    name: 'by a variable',
    world,
    words: [],
    files: { 'r.txt': 'fx-app\n' },
    variables: { PIP_REQUIREMENT: '{root}/r.txt' },
  },
  {
    name: 'beside words',
    world,
    words: ['-r', 'r.txt', 'fx-lib<3'],
    files: { 'r.txt': 'fx-app\n' },
  },
]);
