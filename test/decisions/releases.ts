import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { pythonAtHand } from '../environment.ts';
import type { MadeWheel } from '../gateway/wheel-index.ts';
import { tarBytes } from '../hostile/tar-bytes.ts';
import { zipBytes } from '../hostile/zip-bytes.ts';
import backend from './backend.py';

/** What a release requires; or more of it. */
export type Release =
  | readonly string[]
  | {
      readonly requires?: readonly string[];
      readonly python?: string;
      /** Why it was yanked, which may be empty. */
      readonly yanked?: string;
      /**
       * `sdist`, or the tags of a wheel, after a build number where it has one; one wheel for all
       * where nothing is said. `native` stands for the tags of the Python at hand.
       */
      readonly files?: readonly string[];
    };

/** Releases by version, by the name of their project as its files spell it. */
export type Projects = Readonly<Record<string, Readonly<Record<string, Release>>>>;

const [abi = '', platform = ''] = execFileSync(pythonAtHand(), [
  '-c',
  `import sys, sysconfig
print('cp%d%d' % sys.version_info[:2], sysconfig.get_platform().translate(str.maketrans('-.', '__')))`,
])
  .toString()
  .trim()
  .split(' ');

const everywhere = ['py3-none-any'];

/**
 * The files of an index.
 *
 * @param origin stands in the module that each file installs, so that no two indexes have a file of the same bytes.
 */
export function makeFiles(projects: Projects, origin: string): readonly MadeWheel[] {
  return Object.entries(projects).flatMap(([name, releases]) =>
    Object.entries(releases).flatMap(([version, release]) => {
      const { requires = [], python, yanked, files = everywhere } = detailsOf(release);
      const metadata = metadataText({ name, version, requires, python });
      return files.map((file) => {
        const made = { name: name.replaceAll(/[-.]/g, '_'), version, metadata, origin };
        return {
          ...(file === 'sdist' ? sdist(made) : wheel(made, tagsOf(file))),
          metadata,
          ...(python === undefined ? {} : { requiresPython: python }),
          ...(yanked === undefined ? {} : { yanked }),
        };
      });
    }),
  );
}

export function detailsOf(release: Release): Exclude<Release, readonly string[]> {
  return 'length' in release ? { requires: release } : release;
}

function tagsOf(file: string): string {
  return file.replaceAll('native', `${abi}-${abi}-${platform}`);
}

interface Project {
  readonly name: string;
  readonly version: string;
  readonly requires: readonly string[];
  readonly python: string | undefined;
}

function metadataText({ name, version, requires, python }: Project): string {
  const extras = requires.flatMap((line) =>
    [...line.matchAll(/extra *== *['"]([^'"]+)['"]/g)].map(([, extra]) => extra),
  );
  return [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...(python === undefined ? [] : [`Requires-Python: ${python}`]),
    ...requires.map((line) => `Requires-Dist: ${line}`),
    ...[...new Set(extras)].map((extra) => `Provides-Extra: ${extra}`),
    '',
    '',
  ].join('\n');
}

interface Made {
  /** As it stands in the names of files. */
  readonly name: string;
  readonly version: string;
  readonly metadata: string;
  readonly origin: string;
}

function moduleText(origin: string, filename: string): string {
  return `ORIGIN = '${origin}/${filename}'\n`;
}

function wheel({ name, version, metadata, origin }: Made, tags: string) {
  const filename = `${name}-${version}-${tags}.whl`;
  const tag = tags.replace(/^\d\w*-(?=.*-.*-)/, '');
  const folder = `${name}-${version}.dist-info`;
  const isPure = tag.endsWith('-any');
  const parts = [
    { name: `${name}.py`, content: moduleText(origin, filename) },
    { name: `${folder}/METADATA`, content: metadata },
    {
      name: `${folder}/WHEEL`,
      content: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: ${isPure}\nTag: ${tag}\n`,
    },
  ];
  const record = [...parts.map((part) => part.name), `${folder}/RECORD`];
  const rows = record.map((path) => `${path},,\n`).join('');
  return { filename, bytes: zipBytes([...parts, { name: `${folder}/RECORD`, content: rows }]) };
}

/** Brings a backend of its own, because a build that requires anything would need an index for it. */
function sdist({ name, version, metadata, origin }: Made) {
  const stem = `${name}-${version}`;
  const project =
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n';
  const bytes = tarBytes([
    { name: `${stem}/PKG-INFO`, content: metadata },
    { name: `${stem}/pyproject.toml`, content: project },
    { name: `${stem}/backend.py`, content: backend },
    { name: `${stem}/${name}.py`, content: moduleText(origin, `${stem}.tar.gz`) },
  ]);
  return { filename: `${stem}.tar.gz`, bytes: gzipSync(bytes) };
}
