import { compareWithPip } from './compare.ts';

const some = {
  'fx-app': { '1.0': ['fx-lib>=1'], '2.0': ['fx-lib>=2'] },
  'fx-lib': { '1.0': [], '2.0': [], '3.0': [] },
};
const yanked = { yanked: 'it was broken' };
const latestYanked = { 'fx-lib': { '1.0': [], '2.0': [], '3.0': yanked } };
const allYanked = { 'fx-lib': { '1.0': yanked, '2.0': { yanked: '' } } };

compareWithPip('releases', [
  { name: 'the newest of all', world: { main: some }, words: ['fx-app'] },
  { name: 'a range', world: { main: some }, words: ['fx-lib>=1,<3'] },
  { name: 'a range without an end', world: { main: some }, words: ['fx-lib>1'] },
  { name: 'all but one', world: { main: some }, words: ['fx-lib!=3.0'] },
  { name: 'compatible ones', world: { main: some }, words: ['fx-lib~=2.0'] },
  { name: 'a wildcard', world: { main: some }, words: ['fx-lib==2.*'] },
  { name: 'not a wildcard', world: { main: some }, words: ['fx-lib!=3.*'] },
  { name: 'pinned', world: { main: some }, words: ['fx-app==1.0', 'fx-lib==2.0'], isPinned: true },
  { name: 'pinned but for a dependency', world: { main: some }, words: ['fx-app==1.0'] },
  {
    name: 'the name of a release in another spelling',
    world: { main: some },
    words: ['FX_Lib<3', 'Fx.App'],
  },
  { name: 'names twice', world: { main: some }, words: ['fx-lib', 'fx-lib<3', 'fx-lib>1'] },
  {
    name: 'a newer release comes',
    world: { main: { 'fx-lib': { '1.0': [] } } },
    later: { main: { 'fx-lib': { '1.0': [], '1.1': [] } } },
    words: ['fx-lib'],
  },
  {
    name: 'the index has nothing any more',
    world: { main: some },
    later: { main: {} },
    words: ['fx-lib'],
  },
  {
    name: 'a project comes',
    world: { main: {} },
    later: { main: some },
    words: ['fx-lib'],
  },
  {
    name: 'a dependency is another one',
    world: { main: { 'fx-app': { '1.0': ['fx-lib'] }, 'fx-lib': { '1.0': [] } } },
    later: { main: { 'fx-app': { '1.0': ['fx-other'] }, 'fx-other': { '1.0': [] } } },
    words: ['fx-app'],
  },
  {
    name: 'pages that promise no hashes',
    world: { main: some },
    words: ['fx-app'],
    manners: { hash: () => '' },
  },
  {
    name: 'pages that hold for ten minutes, for who believes none',
    world: { main: some },
    words: ['fx-app'],
    variables: { PIP_ACCEL_INDEX_MAX_AGE: '0' },
    manners: { cacheControl: 'max-age=600, public' },
  },
  {
    name: 'pages that hold for ten minutes, for who upgrades',
    world: { main: some },
    words: ['--upgrade', 'fx-app'],
    manners: { cacheControl: 'max-age=600, public' },
  },
]);

compareWithPip('yanked releases', [
  { name: 'the newest', world: { main: latestYanked }, words: ['fx-lib'] },
  { name: 'the newest of a range', world: { main: latestYanked }, words: ['fx-lib>1'] },
  {
    name: 'pinned by ==',
    world: { main: latestYanked },
    words: ['fx-lib==3.0'],
    later: { main: latestYanked },
    isPinned: true,
  },
  {
    name: 'pinned by ===',
    world: { main: latestYanked },
    words: ['fx-lib===3.0'],
    later: { main: latestYanked },
    isPinned: true,
  },
  {
    name: 'pinned by a constraint',
    world: { main: latestYanked },
    words: ['-c', 'c.txt', 'fx-lib'],
    files: { 'c.txt': 'fx-lib==3.0\n' },
    isPinned: true,
  },
  { name: 'pinned by a wildcard', world: { main: latestYanked }, words: ['fx-lib==3.*'] },
  { name: 'all', world: { main: allYanked }, words: ['fx-lib'] },
  {
    name: 'all, and one pinned',
    world: { main: allYanked },
    words: ['fx-lib==2.0'],
    isPinned: true,
  },
  {
    name: 'a dependency’s only ones that fit',
    world: { main: { ...latestYanked, 'fx-app': { '1.0': ['fx-lib>=3'] } } },
    words: ['fx-app'],
  },
  {
    name: 'pinned, told quietly',
    world: { main: latestYanked },
    later: { main: latestYanked },
    words: ['-q', 'fx-lib==3.0'],
    isPinned: true,
  },
  {
    name: 'a dependency pins one',
    world: { main: { ...latestYanked, 'fx-app': { '1.0': ['fx-lib==3.0'] } } },
    words: ['fx-app'],
  },
  {
    name: 'one is yanked later',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': [] } } },
    later: { main: { 'fx-lib': { '1.0': [], '2.0': yanked } } },
    words: ['fx-lib'],
  },
  {
    name: 'one is not yanked any more',
    world: { main: latestYanked },
    later: { main: { 'fx-lib': { '1.0': [], '2.0': [], '3.0': [] } } },
    words: ['fx-lib'],
  },
  {
    name: 'a pre-release that is yanked',
    world: { main: { 'fx-lib': { '1.0': [], '2.0a1': yanked } } },
    words: ['--pre', 'fx-lib'],
  },
]);

const never = { python: '>=99' };
const once = { python: '<3' };

compareWithPip('releases for other Pythons', [
  {
    name: 'the newest',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': never } } },
    words: ['fx-lib'],
  },
  {
    name: 'the older',
    world: { main: { 'fx-lib': { '1.0': once, '2.0': [] } } },
    words: ['fx-lib'],
  },
  { name: 'all', world: { main: { 'fx-lib': { '1.0': once, '2.0': never } } }, words: ['fx-lib'] },
  {
    name: 'pinned',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': never } } },
    words: ['fx-lib==2.0'],
  },
  {
    name: 'a dependency',
    world: {
      main: {
        'fx-app': { '1.0': ['fx-lib'], '2.0': ['fx-lib>=2'] },
        'fx-lib': { '1.0': [], '2.0': never },
      },
    },
    words: ['fx-app'],
  },
  {
    name: 'not asked for',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': never } } },
    words: ['--ignore-requires-python', 'fx-lib'],
  },
  {
    name: 'what is no specifier',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': { python: 'newest' } } } },
    words: ['fx-lib'],
  },
  {
    name: 'in a range that the Python at hand is in',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': { python: '>=3.6, !=3.7.*, <99' } } } },
    words: ['fx-lib'],
  },
  {
    name: 'of an sdist',
    world: {
      main: { 'fx-lib': { '1.0': { files: ['sdist'] }, '2.0': { ...never, files: ['sdist'] } } },
    },
    words: ['fx-lib'],
  },
]);
