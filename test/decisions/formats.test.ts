import { compareWithPip } from './compare.ts';

const both = { files: ['sdist', 'py3-none-any'] };
const sdist = { files: ['sdist'] };
const mixed = { 'fx-lib': { '1.0': both, '2.0': both, '3.0': sdist } };
const needy = {
  'fx-app': { '1.0': ['fx-lib'], '2.0': { requires: ['fx-lib'], ...sdist } },
  ...mixed,
};

compareWithPip('wheels and sdists', [
  {
    name: 'sdists alone',
    world: { main: { 'fx-lib': { '1.0': sdist, '2.0': sdist } } },
    words: ['fx-lib'],
  },
  { name: 'a newer sdist', world: { main: mixed }, words: ['fx-lib'] },
  { name: 'an sdist that requires one', world: { main: needy }, words: ['fx-app'] },
  {
    name: '--prefer-binary, a newer sdist',
    world: { main: mixed },
    words: ['--prefer-binary', 'fx-lib'],
  },
  {
    name: '--prefer-binary, of what requires it, too',
    world: { main: needy },
    words: ['--prefer-binary', 'fx-app'],
  },
  {
    name: '--prefer-binary, sdists alone',
    world: { main: { 'fx-lib': { '1.0': sdist, '2.0': sdist } } },
    words: ['--prefer-binary', 'fx-lib'],
  },
  {
    name: '--prefer-binary in a file of requirements',
    world: { main: mixed },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--prefer-binary\nfx-lib\n' },
  },
  {
    name: '--prefer-binary by a variable',
    world: { main: mixed },
    words: ['fx-lib'],
    variables: { PIP_PREFER_BINARY: '1' },
  },
  {
    name: '--only-binary :all:',
    world: { main: needy },
    words: ['--only-binary', ':all:', 'fx-app'],
  },
  {
    name: '--only-binary of a name',
    world: { main: mixed },
    words: ['--only-binary', 'fx-lib', 'fx-lib'],
  },
  {
    name: '--only-binary of another name',
    world: { main: needy },
    words: ['--only-binary', 'fx-lib', 'fx-app'],
  },
  {
    name: '--only-binary, sdists alone',
    world: { main: { 'fx-lib': { '1.0': sdist, '2.0': sdist } } },
    words: ['--only-binary', ':all:', 'fx-lib'],
  },
  {
    name: '--only-binary in a file of requirements',
    world: { main: mixed },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--only-binary fx-lib\nfx-lib\n' },
  },
  {
    name: '--only-binary by a variable',
    world: { main: mixed },
    words: ['fx-lib'],
    variables: { PIP_ONLY_BINARY: ':all:' },
  },
  {
    name: '--no-binary of a name',
    world: { main: mixed },
    words: ['--no-binary', 'fx-lib', 'fx-lib<3'],
  },
  {
    name: '--no-binary :all:',
    world: { main: mixed },
    words: ['--no-binary', ':all:', 'fx-lib<3'],
  },
  {
    name: '--no-binary, wheels alone',
    world: { main: { 'fx-lib': { '1.0': [] } } },
    words: ['--no-binary', 'fx-lib', 'fx-lib'],
  },
  {
    name: '--only-binary, and --no-binary for one',
    world: { main: needy },
    words: ['--only-binary', ':all:', '--no-binary', 'fx-lib', 'fx-app'],
  },
  {
    name: 'pinned, an sdist and a wheel',
    world: { main: mixed },
    words: ['fx-lib==2.0'],
    later: { main: { 'fx-lib': { '2.0': sdist } } },
    isPinned: true,
  },
  {
    name: 'a wheel comes beside the sdist',
    world: { main: { 'fx-lib': { '1.0': sdist } } },
    later: { main: { 'fx-lib': { '1.0': both } } },
    words: ['fx-lib'],
  },
  {
    name: 'the sdist of the same name is another one',
    world: { main: { 'fx-lib': { '1.0': sdist } } },
    later: {
      main: {
        'fx-lib': { '1.0': { requires: ['fx-other'], ...sdist } },
        'fx-other': { '1.0': [] },
      },
    },
    words: ['fx-lib'],
  },
]);

compareWithPip('tags', [
  {
    name: 'the wheel of the platform',
    world: { main: { 'fx-lib': { '1.0': { files: ['py3-none-any', 'native'] } } } },
    words: ['fx-lib'],
    later: { main: { 'fx-lib': { '1.0': { files: ['py3-none-any'] } } } },
  },
  {
    name: 'a newer one for everywhere',
    world: { main: { 'fx-lib': { '1.0': { files: ['native'] }, '2.0': [] } } },
    words: ['fx-lib'],
  },
  {
    name: 'a newer one for another platform',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': { files: ['py3-none-fx_1_0'] } } } },
    words: ['fx-lib'],
    later: {
      main: { 'fx-lib': { '1.0': [], '2.0': { files: ['py3-none-fx_1_0', 'py3-none-any'] } } },
    },
  },
  {
    name: 'all for another platform',
    world: { main: { 'fx-lib': { '1.0': { files: ['py3-none-fx_1_0'] } } } },
    words: ['fx-lib'],
  },
  {
    name: 'another platform, or an sdist',
    world: { main: { 'fx-lib': { '1.0': [], '2.0': { files: ['sdist', 'py3-none-fx_1_0'] } } } },
    words: ['fx-lib'],
  },
  {
    name: 'another Python',
    world: {
      main: { 'fx-lib': { '1.0': [], '2.0': { files: ['cp27-cp27m-any', 'py2-none-any'] } } },
    },
    words: ['fx-lib'],
  },
  {
    name: 'several Pythons in one name',
    world: { main: { 'fx-lib': { '1.0': { files: ['py2.py3-none-any'] } } } },
    words: ['fx-lib'],
  },
  {
    name: 'the exact Python before any',
    world: {
      main: {
        'fx-lib': { '1.0': { files: ['py3-none-any', 'py36-none-any', 'py2.py3-none-any'] } },
      },
    },
    words: ['fx-lib'],
  },
  {
    name: 'build numbers',
    world: {
      main: {
        'fx-lib': { '1.0': { files: ['py3-none-any', '2-py3-none-any', '10-py3-none-any'] } },
      },
    },
    words: ['fx-lib'],
    later: { main: { 'fx-lib': { '1.0': { files: ['py3-none-any', '2-py3-none-any'] } } } },
  },
  {
    name: 'build numbers with letters, pinned',
    world: {
      main: {
        'fx-lib': { '1.0': { files: ['1a-py3-none-any', '1b-py3-none-any', '1-py3-none-any'] } },
      },
    },
    words: ['fx-lib==1.0'],
    isPinned: true,
  },
  {
    name: 'a build number of a worse tag',
    world: { main: { 'fx-lib': { '1.0': { files: ['native', '3-py3-none-any'] } } } },
    words: ['fx-lib'],
  },
]);
