import { compareWithPip } from './compare.ts';

const older = { 'fx-lib': { '1.0': [], '2.0': [] } };
const newer = { 'fx-lib': { '2.0': [], '3.0': [] } };
const app = { 'fx-app': { '1.0': ['fx-lib'] } };
const extra = ['--extra-index-url', '{extra}'];

compareWithPip('extra indexes', [
  {
    name: 'with a higher version',
    world: { main: older, extra: newer },
    words: [...extra, 'fx-lib'],
  },
  {
    name: 'with a lower version',
    world: { main: newer, extra: older },
    words: [...extra, 'fx-lib'],
  },
  {
    name: 'with the same version',
    world: { main: older, extra: older },
    words: [...extra, 'fx-lib'],
  },
  {
    name: 'with the same version, pinned',
    world: { main: older, extra: older },
    words: [...extra, 'fx-lib==2.0'],
    isPinned: true,
  },
  {
    name: 'with the version that is pinned',
    world: { main: older, extra: newer },
    words: [...extra, 'fx-lib==3.0'],
    later: { main: older, extra: newer },
    isPinned: true,
  },
  {
    name: 'which alone has a project',
    world: { main: app, extra: older },
    words: [...extra, 'fx-app'],
  },
  {
    name: 'which has the dependency in another version',
    world: { main: { ...app, ...older }, extra: newer },
    words: [...extra, 'fx-app'],
  },
  {
    name: 'which comes to have a newer one',
    world: { main: older, extra: {} },
    later: { main: older, extra: newer },
    words: [...extra, 'fx-lib'],
  },
  {
    name: 'which comes to have the same, first',
    world: { extra: {}, main: older },
    later: { extra: older, main: older },
    words: ['--index-url', '{extra}', '--extra-index-url', '{main}', 'fx-lib'],
  },
  {
    name: 'a yanked file on one, and not on the other',
    world: { main: { 'fx-lib': { '2.0': { yanked: 'bad' } } }, extra: older },
    words: [...extra, 'fx-lib'],
  },
  {
    name: 'a wheel on the second, an sdist on the first',
    world: { main: { 'fx-lib': { '2.0': { files: ['sdist'] } } }, extra: older },
    words: [...extra, 'fx-lib'],
  },
  {
    name: 'two of them',
    world: { main: app, extra: older, third: newer },
    words: [...extra, '--extra-index-url', '{third}', 'fx-app'],
  },
  {
    name: 'by a variable',
    world: { main: older, extra: newer },
    words: ['fx-lib'],
    variables: { PIP_EXTRA_INDEX_URL: '{extra}' },
  },
  {
    name: 'by a variable, and by a word',
    world: { main: app, extra: older, third: newer },
    words: [...extra, 'fx-app'],
    variables: { PIP_EXTRA_INDEX_URL: '{third}' },
  },
  {
    name: 'by pip’s configuration',
    world: { main: app, extra: older },
    words: ['fx-app'],
    configuration: '[global]\nindex-url = {main}\nextra-index-url = {extra}\n',
  },
  {
    name: 'by the install section of pip’s configuration',
    world: { main: app, extra: older, third: newer },
    words: ['fx-app'],
    configuration:
      '[global]\nindex-url = {main}\n[install]\nextra-index-url =\n    {extra}\n    {third}\n',
  },
]);

compareWithPip('indexes of requirement files', [
  {
    name: 'an extra one',
    world: { main: app, extra: older },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--extra-index-url {extra}\nfx-app\n' },
  },
  {
    name: 'another one',
    world: { main: newer, extra: older },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '-i {extra}\nfx-lib\n' },
  },
  {
    name: 'another one for what the command line names, too',
    world: { main: newer, extra: { ...older, ...app } },
    words: ['fx-app', '-r', 'r.txt'],
    files: { 'r.txt': '--index-url {extra}\nfx-lib\n' },
  },
  {
    name: 'in a file that a file names',
    world: { main: app, extra: newer },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '-r nested.txt\nfx-app\n', 'nested.txt': '--extra-index-url={extra}\n' },
  },
  {
    name: 'in two files',
    world: { main: newer, extra: older, third: app },
    words: ['-r', 'r.txt', '-r', 's.txt'],
    files: { 'r.txt': '-i {extra}\nfx-lib\n', 's.txt': '-i {third}\nfx-app\n' },
  },
  {
    name: 'in a file of constraints',
    world: { main: app, extra: older },
    words: ['-c', 'c.txt', 'fx-app'],
    files: { 'c.txt': '--extra-index-url {extra}\nfx-lib<2\n' },
  },
  {
    name: 'by a variable of the environment',
    world: { main: newer, extra: older },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--index-url ${FX_INDEX}\nfx-lib\n' },
    variables: { FX_INDEX: '{extra}' },
  },
  {
    name: 'by a variable that is not set',
    world: { main: newer },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--extra-index-url {main}${FX_INDEX}\nfx-lib\n' },
  },
  {
    name: 'none',
    world: { main: newer, folder: older },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--no-index\n--find-links {folder}\nfx-lib\n' },
  },
]);

compareWithPip('folders of archives', [
  {
    name: 'with a higher version',
    world: { main: older, folder: newer },
    words: ['-f', '{folder}', 'fx-lib'],
  },
  {
    name: 'with a lower version',
    world: { main: newer, folder: older },
    words: ['-f', '{folder}', 'fx-lib'],
  },
  {
    name: 'with the same version',
    world: { main: older, folder: older },
    words: ['-f', '{folder}', 'fx-lib'],
  },
  {
    name: 'alone',
    world: { main: {}, folder: { ...newer, ...app } },
    words: ['--no-index', '-f', '{folder}', 'fx-app'],
  },
  {
    name: 'alone, without the project',
    world: { main: newer, folder: app },
    words: ['--no-index', '-f', '{folder}', 'fx-app'],
  },
  {
    name: 'two of them',
    world: { main: app, folder: older, 'folder-2': newer },
    words: ['-f', '{folder}', '-f', '{folder-2}', 'fx-app'],
  },
  {
    name: 'by a variable',
    world: { main: older, folder: newer },
    words: ['fx-lib'],
    variables: { PIP_FIND_LINKS: '{folder}' },
  },
  {
    name: 'beside the file of requirements',
    world: { main: app, folder: newer },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '-f folder\nfx-app\n' },
  },
  {
    name: 'with an sdist',
    world: { main: app, folder: { 'fx-lib': { '3.0': { files: ['sdist'] } } } },
    words: ['-f', '{folder}', 'fx-app'],
  },
]);
