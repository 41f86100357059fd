import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { listed } from './harness/lists.ts';
import { describeSameAsPip, type Group } from './harness/same-as-pip.ts';

/** pkg-config's names of what the list of system-sdists needs, and Debian's packages of them. */
const needed: Readonly<Record<string, string>> = {
  libxslt: 'libxslt1-dev',
  libpq: 'libpq-dev',
  mysqlclient: 'default-libmysqlclient-dev',
  libjpeg: 'libjpeg-dev',
  ldap: 'libldap2-dev',
  libsasl2: 'libsasl2-dev',
  cairo: 'libcairo2-dev',
  libcurl: 'libcurl4-openssl-dev',
  odbc: 'unixodbc-dev',
  libffi: 'libffi-dev',
};

/** A backend in its own tree, meson inside of that, and settings for both; without BLAS and SIMD it takes a minute. */
const numpy: Group = {
  title: 'numpy with settings',
  words: [
    '--no-binary=numpy',
    'numpy==2.4.6',
    ...['blas=none', 'lapack=none', 'disable-optimization=true', 'optimization=0'].map(
      (option) => `--config-settings=setup-args=-D${option}`,
    ),
  ],
  built: ['numpy'],
};

/** What a compiler makes faster takes it most of its time, and is the same from both. */
const variables = { CFLAGS: '-O0' };

const groups = [listed('system-sdists'), numpy, listed('sdists')].map((group) => ({
  ...group,
  variables,
}));

beforeAll(async () => {
  const missing: string[] = [];
  for (const [module, debian] of Object.entries(needed)) {
    const { failed } = await execa('pkg-config', ['--exists', module], { reject: false });
    if (failed) missing.push(debian);
  }
  if (missing.length > 0) throw new Error(`missing: apt-get install ${missing.join(' ')}`);
});

for (const group of groups) describeSameAsPip(group);

test('they are forty at least', () => {
  expect(groups.flatMap(({ built }) => built).length).toBeGreaterThanOrEqual(40);
});
