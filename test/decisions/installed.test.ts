import { compareWithPip } from './compare.ts';

const main = {
  'fx-app': { '1.0': ['fx-lib'], '2.0': ['fx-lib>=2'] },
  'fx-lib': { '1.0': [], '2.0': ['fx-leaf'], '3.0': ['fx-leaf'] },
  'fx-leaf': { '1.0': [], '2.0': [] },
};
const world = { main };
const before = ['fx-lib==1.0'];

compareWithPip('what is installed', [
  { name: 'and satisfies', world, words: ['fx-lib'], before },
  { name: 'and satisfies a dependency', world, words: ['fx-app==1.0'], before, isPinned: true },
  { name: 'and is too old', world, words: ['fx-lib>=2'], before },
  { name: 'and is too new', world, words: ['fx-lib<3'], before: ['fx-lib'] },
  { name: 'and is too old for a dependency', world, words: ['fx-app'], before },
  {
    name: 'and is pinned to another version',
    world,
    words: ['fx-lib==2.0', 'fx-leaf==1.0'],
    before,
    isPinned: true,
  },
  {
    name: 'and is not on the index any more',
    world,
    later: { main: {} },
    words: ['fx-lib'],
    before,
  },
  { name: 'and is upgraded', world, words: ['--upgrade', 'fx-lib'], before },
  {
    name: 'and is upgraded, being the newest',
    world,
    words: ['-U', 'fx-leaf'],
    before: ['fx-leaf'],
  },
  { name: 'and is not upgraded with what requires it', world, words: ['-U', 'fx-app<2'], before },
  {
    name: '--upgrade-strategy only-if-needed',
    world,
    words: ['-U', '--upgrade-strategy', 'only-if-needed', 'fx-app'],
    before,
  },
  {
    name: '--upgrade-strategy eager',
    world,
    words: ['-U', '--upgrade-strategy', 'eager', 'fx-app<2'],
    before,
  },
  {
    name: '--upgrade-strategy eager, by variables',
    world,
    words: ['fx-app<2'],
    before,
    variables: { PIP_UPGRADE: '1', PIP_UPGRADE_STRATEGY: 'eager' },
  },
  {
    name: '--upgrade-strategy eager, where nothing is new',
    world,
    words: ['-U', '--upgrade-strategy=eager', 'fx-app'],
    before: ['fx-app'],
  },
  {
    name: '--force-reinstall',
    world,
    words: ['--force-reinstall', 'fx-lib==1.0'],
    before,
    later: { main: { 'fx-lib': { '1.0': [] } } },
    isPinned: true,
  },
  {
    name: '--force-reinstall of what requires others',
    world,
    words: ['--force-reinstall', 'fx-app'],
    before: ['fx-app==1.0', 'fx-lib==2.0'],
  },
  { name: '--ignore-installed', world, words: ['-I', 'fx-app'], before: ['fx-lib'] },
  { name: '--no-deps', world, words: ['--no-deps', 'fx-app'], before },
  { name: '--no-deps of what is not installed', world, words: ['--no-deps', 'fx-app'] },
  { name: '--no-deps with --upgrade', world, words: ['--no-deps', '-U', 'fx-lib'], before },
  { name: 'and conflicts afterwards', world, words: ['fx-lib<2'], before: ['fx-app'] },
  {
    name: 'and lacks what it requires',
    world,
    words: ['fx-leaf<2'],
    before: ['--no-deps', 'fx-app', 'fx-lib'],
  },
  {
    name: 'and is a pre-release',
    world: { main: { 'fx-lib': { '1.0': [], '1.1a1': [] } } },
    words: ['fx-lib'],
    before: ['--pre', 'fx-lib'],
  },
  {
    name: 'and is a pre-release, upgraded',
    world: { main: { 'fx-lib': { '1.0': [], '1.1a1': [] } } },
    words: ['-U', 'fx-lib'],
    before: ['--pre', 'fx-lib'],
  },
  {
    name: 'and is yanked by now',
    world,
    later: { main: { ...main, 'fx-lib': { '1.0': { yanked: 'x' }, '2.0': ['fx-leaf'] } } },
    words: ['-U', 'fx-lib'],
    before,
  },
  {
    name: 'by its URL',
    world,
    words: ['fx-app'],
    before: ['{file:main/fx_lib-2.0-py3-none-any.whl}'],
  },
  {
    name: 'by its URL, and upgraded',
    world,
    words: ['-U', 'fx-lib'],
    before: ['{file:main/fx_lib-2.0-py3-none-any.whl}'],
  },
]);

const report = ['--report', '{root}/report.json'];

compareWithPip('what is only told', [
  { name: '--dry-run', world, words: ['--dry-run', 'fx-app'] },
  { name: '--dry-run with what is installed', world, words: ['--dry-run', 'fx-app'], before },
  { name: '--dry-run of a conflict', world, words: ['--dry-run', 'fx-app>=2', 'fx-lib<2'] },
  { name: '--dry-run with a report', world, words: ['--dry-run', ...report, 'fx-app'] },
  {
    name: '--dry-run with a report, pinned',
    world,
    words: ['--dry-run', ...report, 'fx-app==1.0', 'fx-lib==1.0'],
  },
  {
    name: '--dry-run with a report of sdists',
    world: {
      main: {
        'fx-app': { '1.0': { requires: ['fx-lib'], files: ['sdist'] } },
        'fx-lib': { '1.0': [] },
      },
    },
    words: ['--dry-run', ...report, 'fx-app'],
  },
  { name: 'a report of what is installed', world, words: [...report, 'fx-app', 'fx-lib<3'] },
  { name: 'quiet', world, words: ['-q', 'fx-app'] },
  { name: 'quieter', world, words: ['-qq', 'fx-app', 'fx-none'] },
]);
