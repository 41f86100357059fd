import { compareWithPip } from './compare.ts';

const both = { files: ['sdist', 'py3-none-any'] };
const world = {
  main: {
    'fx-app': { '1.0': ['fx-lib'] },
    'fx-lib': { '1.0': both, '2.0': [] },
  },
};
const wheel = '--hash=sha256:{hash:main/fx_lib-1.0-py3-none-any.whl}';
const sdist = '--hash=sha256:{hash:main/fx_lib-1.0.tar.gz}';
const newer = '--hash=sha256:{hash:main/fx_lib-2.0-py3-none-any.whl}';
const app = '--hash=sha256:{hash:main/fx_app-1.0-py3-none-any.whl}';
const wrong = `--hash=sha256:${'0'.repeat(64)}`;

/** A request of one file of requirements. */
const asking = (lines: readonly string[]) => ({
  world,
  words: ['-r', 'r.txt'],
  files: { 'r.txt': `${lines.join('\n')}\n` },
});

compareWithPip('hashes', [
  { name: 'right', ...asking([`fx-lib==1.0 ${wheel}`]), isPinned: true },
  {
    name: 'right, the index does not promise them',
    ...asking([`fx-lib==1.0 ${wheel}`]),
    manners: { hash: () => '' },
    isPinned: true,
  },
  { name: 'of wheel and sdist', ...asking([`fx-lib==1.0 ${sdist} ${wheel}`]), isPinned: true },
  { name: 'of the sdist alone', ...asking([`fx-lib==1.0 ${sdist}`]), isPinned: true },
  { name: 'of the newer one alone', ...asking([`fx-lib>=1.0,==2.0 ${newer}`]), isPinned: true },
  {
    name: 'a right one among wrong ones',
    ...asking([`fx-lib==1.0 ${wrong} ${wheel}`]),
    isPinned: true,
  },
  { name: 'wrong', ...asking([`fx-lib==1.0 ${wrong}`]) },
  {
    name: 'wrong, the index does not promise any',
    ...asking([`fx-lib==1.0 ${wrong}`]),
    manners: { hash: () => '' },
    isPinned: true,
  },
  { name: 'of all', ...asking([`fx-app==1.0 ${app}`, `fx-lib==1.0 ${wheel}`]), isPinned: true },
  { name: 'missing for one line', ...asking([`fx-app==1.0 ${app}`, 'fx-lib==1.0']) },
  { name: 'missing for a dependency', ...asking([`fx-app==1.0 ${app}`]) },
  {
    name: 'missing for a dependency that is not wanted',
    ...asking([`fx-app==1.0 ${app}`]),
    words: ['--no-deps', '-r', 'r.txt'],
    isPinned: true,
  },
  { name: 'without a version', ...asking([`fx-lib ${newer}`]), isPinned: true },
  { name: 'with a range', ...asking([`fx-lib<2 ${wheel}`]), isPinned: true },
  {
    name: 'wanted by --require-hashes',
    ...asking(['fx-lib==1.0']),
    words: ['--require-hashes', '-r', 'r.txt'],
  },
  {
    name: 'in constraints',
    ...asking(['fx-lib']),
    words: ['-c', 'c.txt', '-r', 'r.txt'],
    files: { 'r.txt': 'fx-lib\n', 'c.txt': `fx-lib==1.0 ${wheel}\n` },
    isPinned: true,
  },
  {
    name: 'in constraints, other than in requirements',
    ...asking([]),
    words: ['-c', 'c.txt', '-r', 'r.txt'],
    files: { 'r.txt': `fx-lib==1.0 ${wheel}\n`, 'c.txt': `fx-lib==1.0 ${sdist}\n` },
    isPinned: true,
  },
  { name: 'of another algorithm', ...asking([`fx-lib==1.0 --hash=sha512:${'0'.repeat(128)}`]) },
  {
    name: 'of an algorithm that is too weak',
    ...asking([`fx-lib==1.0 --hash=md5:${'0'.repeat(32)}`]),
  },
  { name: 'no hash', ...asking(['fx-lib==1.0 --hash=sha256']) },
  {
    name: 'twice the same line',
    ...asking([`fx-lib==1.0 ${wheel}`, `fx-lib==1.0 ${sdist} ${wheel}`]),
    isPinned: true,
  },
  {
    name: 'on lines that go on',
    ...asking(['fx-lib==1.0 \\', `  ${wrong} \\`, `  ${wheel}`]),
    isPinned: true,
  },
  {
    name: 'the later world has a file of the same name and another hash',
    ...asking([`fx-lib==2.0 ${newer}`, 'fx-app==1.0']),
    words: ['-r', 'r.txt', '--no-deps'],
    later: world,
  },
  {
    name: 'in the URL of a requirement',
    ...asking([]),
    files: {
      'r.txt':
        'fx-lib @ {file:main/fx_lib-2.0-py3-none-any.whl}#sha256={hash:main/fx_lib-2.0-py3-none-any.whl}\n',
    },
    later: world,
  },
]);

compareWithPip('requirements by URL', [
  { name: 'a wheel', world, words: ['fx-lib @ {file:main/fx_lib-1.0-py3-none-any.whl}'] },
  { name: 'a wheel that is gone', world, words: ['{file:main/fx_lib-2.0-py3-none-any.whl}'] },
  { name: 'an sdist', world, words: ['{file:main/fx_lib-1.0.tar.gz}'] },
  {
    name: 'beside what requires it',
    world,
    words: ['fx-app', 'fx-lib @ {file:main/fx_lib-1.0-py3-none-any.whl}'],
  },
  {
    name: 'beside a range that it is not in',
    world,
    words: ['fx-lib>1', 'fx-lib @ {file:main/fx_lib-1.0-py3-none-any.whl}'],
  },
  {
    name: 'of a dependency',
    world: {
      extra: { 'fx-lib': { '1.0': [] } },
      main: { 'fx-app': { '1.0': ['fx-lib @ {file:extra/fx_lib-1.0-py3-none-any.whl}'] } },
    },
    words: ['fx-app'],
  },
  {
    name: 'of a constraint',
    world: {
      main: { 'fx-app': { '1.0': ['fx-lib'] } },
      extra: { 'fx-lib': { '1.0': [], '2.0': [] } },
    },
    words: ['-c', 'c.txt', 'fx-app'],
    files: { 'c.txt': 'fx-lib @ {file:extra/fx_lib-1.0-py3-none-any.whl}\n' },
  },
]);
