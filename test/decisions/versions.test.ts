import { compareWithPip } from './compare.ts';

const previews = { 'fx-lib': { '1.0': [], '1.1rc1': [], '2.0a1': [], '2.0.dev3': [] } };
const previewsAlone = { 'fx-lib': { '1.0a1': [], '1.0b2': [], '1.0.dev1': [] } };
const app = (requirement: string) => ({ 'fx-app': { '1.0': [requirement] } });

compareWithPip('pre-releases', [
  { name: 'not asked for', world: { main: previews }, words: ['fx-lib'] },
  { name: '--pre', world: { main: previews }, words: ['--pre', 'fx-lib'] },
  { name: '--pre, and a range', world: { main: previews }, words: ['--pre', 'fx-lib<2'] },
  {
    name: '--pre by a variable',
    world: { main: previews },
    words: ['fx-lib'],
    variables: { PIP_PRE: '1' },
  },
  {
    name: '--pre in a file of requirements',
    world: { main: previews },
    words: ['-r', 'r.txt'],
    files: { 'r.txt': '--pre\nfx-lib\n' },
  },
  { name: 'named by a range', world: { main: previews }, words: ['fx-lib>=1.1rc1'] },
  { name: 'pinned', world: { main: previews }, words: ['fx-lib==2.0a1'], isPinned: true },
  { name: 'in a range that they alone fit', world: { main: previews }, words: ['fx-lib>1.0'] },
  { name: 'of a project that has no others', world: { main: previewsAlone }, words: ['fx-lib'] },
  {
    name: 'of a dependency that has no others',
    world: { main: { ...previewsAlone, ...app('fx-lib') } },
    words: ['fx-app'],
  },
  {
    name: 'named by a dependency',
    world: { main: { ...previews, ...app('fx-lib>=2.0a0') } },
    words: ['fx-app'],
  },
  {
    name: '--pre for dependencies',
    world: { main: { ...previews, ...app('fx-lib') } },
    words: ['--pre', 'fx-app'],
  },
  {
    name: 'named by one of two',
    world: { main: { ...previews, ...app('fx-lib>=1.1rc1') } },
    words: ['fx-app', 'fx-lib'],
  },
  {
    name: 'named by a constraint',
    world: { main: previews },
    words: ['-c', 'c.txt', 'fx-lib'],
    files: { 'c.txt': 'fx-lib>=2.0a1\n' },
  },
  {
    name: 'a final one comes',
    world: { main: previewsAlone },
    later: { main: { 'fx-lib': { '0.9': [], '1.0a1': [] } } },
    words: ['fx-lib'],
  },
]);

const odd = {
  'fx-lib': { '1.0': [], '1.0.post1': [], '1.0+local.1': [], '1.0.1': [] },
  'fx-epoch': { '2020.1': [], '1!1.0': [], '1!0.5': [] },
};

compareWithPip('versions', [
  {
    name: 'local versions',
    world: { main: { 'fx-lib': { '1.0': [], '1.0+local.1': [], '1.0+local.2': [] } } },
    words: ['fx-lib'],
  },
  {
    name: 'local versions, pinned without',
    world: { main: odd },
    words: ['fx-lib==1.0'],
    isPinned: true,
  },
  {
    name: 'local versions, pinned with',
    world: { main: odd },
    words: ['fx-lib==1.0+local.1'],
    isPinned: true,
  },
  {
    name: 'local versions, pinned exactly without',
    world: { main: odd },
    words: ['fx-lib===1.0'],
    isPinned: true,
  },
  { name: 'local versions, at most', world: { main: odd }, words: ['fx-lib<=1.0'] },
  {
    name: 'local versions on another index',
    world: { main: { 'fx-lib': { '1.0': [] } }, extra: { 'fx-lib': { '1.0+cpu': [] } } },
    words: ['--extra-index-url', '{extra}', 'fx-lib==1.0'],
    isPinned: true,
  },
  { name: 'post-releases', world: { main: odd }, words: ['fx-lib<1.0.1'] },
  { name: 'no post-releases', world: { main: odd }, words: ['fx-lib>1.0,<1.0.1'] },
  { name: 'epochs', world: { main: odd }, words: ['fx-epoch'] },
  { name: 'not the later epoch', world: { main: odd }, words: ['fx-epoch<2021'] },
  { name: 'an epoch, pinned', world: { main: odd }, words: ['fx-epoch==1!0.5'], isPinned: true },
  {
    name: 'zeros at the end',
    world: { main: { 'fx-lib': { '1': [], '1.1.0': [] } } },
    words: ['fx-lib==1.0.0'],
    isPinned: true,
  },
  {
    name: 'versions that are none',
    world: { main: { 'fx-lib': { '1.0': [], '2004d': [] } } },
    words: ['fx-lib'],
  },
  {
    name: 'versions that are none alone',
    world: { main: { 'fx-lib': { '2004d': [] } } },
    words: ['fx-lib'],
  },
  {
    name: 'a version that is none, pinned',
    world: { main: { 'fx-lib': { '1.0': [], '2004d': [] } } },
    words: ['fx-lib===2004d'],
  },
  {
    name: 'a version in another spelling',
    world: { main: { 'fx-lib': { '1.0rc1': [], '0.9': [] } } },
    words: ['fx-lib==1.0-RC.1'],
    isPinned: true,
  },
  {
    name: 'many numbers',
    world: { main: { 'fx-lib': { '1.9': [], '1.10': [], '1.10.0.1': [] } } },
    words: ['fx-lib'],
  },
  { name: 'a specifier that is none', world: { main: odd }, words: ['fx-lib=>1'] },
  {
    name: 'a specifier of what requires it that is none',
    world: { main: { 'fx-app': { '1.0': [], '2.0': ['fx-lib>=1.*'] }, ...odd } },
    words: ['fx-app'],
  },
]);
