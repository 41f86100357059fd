import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { diagnose } from '../../src/obtain/cold/system-packages/diagnose.ts';
import { packagesFor } from '../../src/obtain/cold/system-packages/packages-for.ts';
import { type Platform, platforms } from '../../src/obtain/cold/system-packages/platform.ts';

const logs = join(import.meta.dirname, '../../fixtures/build-logs');

/** What each log tells of: what is missing, and the packages that the platform's tables know for it. */
const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'alpine-musl': { 'header stdlib.h': 'musl-dev' },
  'alpine-psycopg2': { 'header libpq-fe.h': 'libpq-dev' },
  'alpine-shell': {
    'program mysql_config': 'mariadb-connector-c-dev',
    'program mariadb_config': 'mariadb-connector-c-dev',
  },
  'arch-cmake': { 'cmake ZLIB': 'zlib' },
  'arch-cmake-config': { 'cmake HDF5': 'hdf5' },
  'arch-gfortran': { 'program gfortran': 'gcc-fortran' },
  'arch-meson': { 'pkg-config OpenBLAS': 'openblas' },
  'debian-bare-greenlet': { 'program g++': 'g++' },
  'debian-bare-numpy': { 'program cc': 'gcc' },
  'debian-bare-psutil': { 'program gcc': 'gcc' },
  'debian-cffi': { 'header ffi.h': 'libffi-dev' },
  'debian-cryptography': {},
  'debian-dbus-python': {
    'program pkg-config': 'pkg-config',
    'pkg-config dbus-1': 'libdbus-1-dev',
  },
  'debian-dlib': { 'program cmake': 'cmake' },
  'debian-gdal': { 'program gdal-config': 'libgdal-dev' },
  'debian-gssapi': { 'program krb5-config': 'libkrb5-dev' },
  'debian-h5py': { 'program pkg-config': 'pkg-config' },
  'debian-libvirt-python': { 'program pkg-config': 'pkg-config' },
  'debian-lxml': { 'library xml2': 'libxml2-dev', 'library xslt': 'libxslt1-dev' },
  'debian-mysqlclient': {
    'program pkg-config': 'pkg-config',
    'pkg-config mysqlclient': 'default-libmysqlclient-dev',
  },
  'debian-mysqlclient-old': {
    'program mysql_config': 'default-libmysqlclient-dev',
    'program mariadb_config': 'libmariadb-dev',
  },
  'debian-pillow': { 'library jpeg': 'libjpeg-dev' },
  'debian-psycopg2': { 'program pg_config': 'libpq-dev' },
  'debian-pycairo': { 'program pkg-config': 'pkg-config', 'pkg-config cairo': 'libcairo2-dev' },
  'debian-pycups': { 'header cups/http.h': 'libcups2-dev' },
  'debian-pycurl': { 'program curl-config': 'libcurl4-openssl-dev' },
  'debian-pygit2': { 'header git2.h': 'libgit2-dev' },
  'debian-pygobject': { 'program pkg-config': 'pkg-config', 'pkg-config cairo': 'libcairo2-dev' },
  'debian-pygraphviz': { 'header graphviz/cgraph.h': 'libgraphviz-dev' },
  'debian-pynacl': { 'program make': 'make' },
  'debian-pyodbc': { 'program g++': 'g++' },
  'debian-pyscard': { 'program swig': 'swig' },
  'debian-python-ldap': { 'header lber.h': 'libldap2-dev' },
  'debian-python-snappy': { 'program g++': 'g++' },
  'debian-pyzmq': {},
  'debian-shapely': { 'program geos-config': 'libgeos-dev', 'header geos_c.h': 'libgeos-dev' },
  'debian-systemd-python': { 'program pkg-config': 'pkg-config' },
  'debian-xmlsec-then': { 'pkg-config xmlsec1': 'libxmlsec1-dev' },
  'debian-xmlsec': { 'program pkg-config': 'pkg-config' },
  'fedora-link': { 'library pq': 'libpq-devel', 'library ssl': 'openssl-devel' },
  'fedora-lld': { 'library sasl2': 'cyrus-sasl-devel' },
  'fedora-pkgconf': { 'pkg-config cairo': 'cairo-devel' },
  'fedora-python': { 'header Python.h': 'python3-devel' },
  'homebrew-clang': { 'header openssl/opensslv.h': 'openssl' },
  'homebrew-ld': { 'library pq': 'libpq' },
  'homebrew-ld-old': { 'library mysqlclient': 'mysql-client' },
  'homebrew-rust': { 'program pkg-config': 'pkgconf', 'program cargo': 'rust' },
};

const names = readdirSync(logs)
  .filter((name) => name.endsWith('.log'))
  .map((name) => name.slice(0, -'.log'.length));

test('every recorded log has what it tells of beside it', () => {
  expect(names.toSorted()).toEqual(Object.keys(expected).toSorted());
});

describe.each(names)('the log %s', (name) => {
  test('tells what is missing, and the tables of the platform know the package', async () => {
    const lacks = diagnose(readFileSync(join(logs, `${name}.log`), 'utf8'));
    const needs = await packagesFor(lacks, place(name.split('-')[0] ?? ''));
    const told = needs.map(({ lack, candidates }) => [
      `${lack.kind} ${lack.names[0]}`,
      candidates.join(),
    ]);
    expect(Object.fromEntries(told)).toEqual(expected[name]);
    for (const { line } of lacks) expect(line.length).toBeLessThan(500);
  });
});

/** The tables alone: no package manager is there to be asked. */
function place(id: string) {
  const platform = platforms.find(({ ids }) => ids.includes(id === 'homebrew' ? 'macos' : id));
  if (!platform) throw new Error(`no platform ${id}`);
  return { platform, environment: { PATH: '' }, python: '3.11' };
}

test('Debian has the headers of each Python in a package of their own', async () => {
  const lacks = diagnose('native.c:1:10: fatal error: Python.h: No such file or directory');
  const [need] = await packagesFor(lacks, place('debian'));
  expect(need?.candidates).toEqual(['python3.11-dev']);
});

test('C code of an old Cython, for a Python that has gone on, lacks no package', () => {
  const line = 'src/module.c:203:12: fatal error: longintrepr.h: No such file or directory';
  expect(diagnose(line)).toEqual([]);
});

test('what CMake finds missing and can do without is not called missing', () => {
  expect(diagnose('-- Could NOT find ZLIB (missing: ZLIB_LIBRARY ZLIB_INCLUDE_DIR)')).toEqual([]);
});

describe.each(platforms.map((platform): [string, Platform] => [platform.name, platform]))(
  'the file of %s',
  (_name, platform) => {
    test('has expressions that can be read, with a group for the package', () => {
      for (const line of [platform.installed.line, ...platform.searches.map(({ line }) => line)]) {
        const filled = line.replace(/\{(name|lower|stem|regexp)\}/g, 'x');
        expect(new RegExp(`${filled}|`).exec('')).toHaveLength(2);
      }
    });

    test('has normalised names of projects', () => {
      for (const name of Object.keys(platform.project))
        expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    });
  },
);
