/**
 * Real projects of PyPI, each in a root file system of its own that lacks what it needs: a Debian
 * with Python and a C compiler, made once by debootstrap. Needs root, `debootstrap` (or the path
 * of one in DEBOOTSTRAP; or a root file system in SYSTEM_ROOT), and the network.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const root = process.env['SYSTEM_ROOT'] ?? join(repository, '.tmp/debian');
const work = mkdtempSync(join(tmpdir(), 'pip-accel-system-'));

/** The project, what its first failure has to name, and what has to work in the end. */
const projects = [
  { requirement: 'psycopg2==2.9.10', first: ['libpq-dev'], module: 'psycopg2' },
  {
    requirement: 'mysqlclient==2.2.7',
    first: ['pkg-config', 'default-libmysqlclient-dev'],
    module: 'MySQLdb',
  },
  { requirement: 'python-ldap==3.4.4', first: ['libldap2-dev'], module: 'ldap' },
  { requirement: 'pycairo==1.27.0', first: ['pkg-config', 'libcairo2-dev'], module: 'cairo' },
  { requirement: 'pygraphviz==1.14', first: ['libgraphviz-dev'], module: 'pygraphviz' },
  { requirement: 'dbus-python==1.3.2', first: ['pkg-config', 'libdbus-1-dev'], module: 'dbus' },
  { requirement: 'pycurl==7.45.3', first: ['libcurl4-openssl-dev'], module: 'pycurl' },
  { requirement: 'pyodbc==5.2.0', first: ['g++'], module: 'pyodbc' },
  { requirement: 'cffi==1.17.1', first: ['libffi-dev'], module: '_cffi_backend' },
  { requirement: 'pyscard==2.0.7', first: ['swig'], module: 'smartcard.scard' },
  { requirement: 'lxml==5.3.0', first: ['libxml2-dev', 'libxslt1-dev'], module: 'lxml.etree' },
].filter(({ requirement }) => new RegExp(process.env['PROJECTS'] ?? '').test(requirement));

beforeAll(() => {
  if (!existsSync(root)) bootstrap();
  // Nothing that is known of single projects may help.
  const file = 'src/obtain/cold/system-packages/platforms/debian.json';
  const platform: object = JSON.parse(readFileSync(join(repository, file), 'utf8'));
  writeFileSync(join(work, 'debian.json'), JSON.stringify({ ...platform, project: {} }));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

function bootstrap(): void {
  const unfinished = `${root}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const packages = [
    'ca-certificates',
    'gcc',
    'libc6-dev',
    'python3',
    'python3-dev',
    'python3-venv',
  ];
  const debootstrap = process.env['DEBOOTSTRAP'] ?? 'debootstrap';
  const options = ['--variant=minbase', `--include=${packages.join(',')}`];
  execFileSync(debootstrap, [...options, 'bookworm', unfinished], { stdio: 'inherit' });
  renameSync(unfinished, root);
}

const script = `set -e
python3 -m venv /venv
export PIP_ACCEL_PLATFORM_FILE=/given/debian.json
install() { /opt/pip-accel/bin/pip-accel install "$@" --no-binary "$name" "$requirement"; }
echo "--- without"
install --auto-install=no < /dev/null && exit 9
echo "--- with"
install --auto-install=yes < /dev/null
echo "--- works"
cd /
python -c "import $module"
`;

test.each(projects)(
  '$requirement says what it lacks, and is built with it in one command',
  ({ requirement, first, module }) => {
    const name = requirement.split('=')[0] ?? '';
    const words = [
      'sh',
      '-c',
      `name=${name} requirement=${requirement} module=${module}\n${script}`,
    ];
    const command = [root, repository, process.execPath, ...words];
    const inRoot = join(import.meta.dirname, 'in-root.sh');
    const { stdout, stderr, status } = spawnSync(inRoot, command, { cwd: work, encoding: 'utf8' });
    const said = `${stdout}\n${stderr}`;
    const hint = /^hint: Install them: (.*) \(--auto-install/m.exec(stderr)?.[1] ?? '';
    expect(hint.split(' ').slice(-first.length), said).toEqual(first);
    expect(stdout, said).toMatch(/--- with\n[^]*^Successfully installed [^]*--- works\n$/m);
    expect(status, said).toBe(0);
  },
);
