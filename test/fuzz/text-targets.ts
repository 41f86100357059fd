import { parseCommandLine } from '../../src/cli/argv.ts';
import { parseIni } from '../../src/config/ini.ts';
import { PipAccelError, redact } from '../../src/core/errors.ts';
import type { MarkerEnvironment } from '../../src/core/types.ts';
import { pipBehaviour } from '../../src/install/pip-behaviour.ts';
import { UnclearPage } from '../../src/obtain/cold/index/html.ts';
import { readPage } from '../../src/obtain/cold/index/page.ts';
import { parseNetrc } from '../../src/obtain/cold/credentials.ts';
import { filenameOf, readArchiveName } from '../../src/plan/pinned/filename.ts';
import { readRequirementFile } from '../../src/plan/requirements/file.ts';
import { readCsv, writeCsv } from '../../src/python/csv.ts';
import { parseEntryPoints, parseScriptTarget } from '../../src/python/entry-points.ts';
import { parseHeaders, parseMetadata } from '../../src/python/metadata.ts';
import { normalizeName } from '../../src/python/names.ts';
import {
  compareVersions,
  contains,
  formatSpecifiers,
  formatVersion,
  parseSpecifiers,
  parseVersion,
} from '../../src/python/pep440.ts';
import {
  evaluateMarker,
  formatMarker,
  formatRequirement,
  parseMarker,
  parseRequirement,
} from '../../src/python/pep508.ts';
import { formatRecord, insertIntoRecord, type RecordLine } from '../../src/python/record.ts';
import { splitLines } from '../../src/python/text.ts';
import { requirements, versions } from './corpus.ts';
import { holds, same, type Target } from './target.ts';

export const markers: MarkerEnvironment = {
  implementation_name: 'cpython',
  implementation_version: '3.11.7',
  os_name: 'posix',
  platform_machine: 'x86_64',
  platform_python_implementation: 'CPython',
  platform_release: '6.1.0',
  platform_system: 'Linux',
  platform_version: '#1 SMP',
  python_full_version: '3.11.7',
  python_version: '3.11',
  sys_platform: 'linux',
};

const few = (lines: readonly string[], count: number): Buffer[] =>
  lines
    .filter((_line, index) => index % Math.ceil(lines.length / count) === 0)
    .map((line) => Buffer.from(line));

function text(
  name: string,
  seeds: readonly (string | Buffer)[],
  dictionary: readonly string[],
  run: (text: string, input: Buffer) => void,
): Target {
  return {
    name,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    dictionary,
    run: (input) => run(input.toString('utf8'), input),
  };
}

const versionWords = [
  '.',
  '!',
  '1',
  '.post',
  '.dev',
  'a',
  'b',
  'rc',
  '+local',
  '-',
  '_',
  'v',
  '.0',
  '99999999999999999999',
];
const specifierWords = [
  ...versionWords,
  '==',
  '!=',
  '>=',
  '<=',
  '~=',
  '===',
  '<',
  '>',
  ',',
  '.*',
  ' ',
];
const markerWords = [
  'python_version',
  'extra',
  'sys_platform',
  ' and ',
  ' or ',
  ' in ',
  ' not in ',
  '"3.8"',
  "'linux'",
  '(',
  ')',
  '==',
  '>=',
];

const version = text('version', few(versions, 100), versionWords, (input) => {
  const [left = '', right = ''] = input.split('\n');
  const [one, other] = [parseVersion(left), parseVersion(right)];
  if (one) {
    const printed = formatVersion(one);
    const again = parseVersion(printed);
    holds(again !== null, 'is not read again', left, printed);
    same(again && formatVersion(again), printed, 'is printed otherwise the second time');
    holds(
      again !== null && compareVersions(one, again) === 0,
      'is another version once printed',
      left,
    );
  }
  if (one && other) {
    same(
      Math.sign(compareVersions(one, other)) + Math.sign(compareVersions(other, one)),
      0,
      'order',
    );
  }
});

const specifiers = text(
  'specifiers',
  few(versions, 30).map((line) => `>=${line.toString()},!=1.*\n${line.toString()}`),
  specifierWords,
  (input) => {
    const [written = '', candidate = ''] = input.split('\n');
    const parsed = parseSpecifiers(written);
    if (!parsed) return;
    const printed = formatSpecifiers(parsed);
    const again = parseSpecifiers(printed);
    holds(again !== null, 'is not read again', written, printed);
    same(again && formatSpecifiers(again), printed, 'is printed otherwise the second time');
    if (again)
      same(
        contains(parsed, candidate),
        contains(again, candidate),
        'means another thing once printed',
      );
  },
);

const requirement = text(
  'requirement',
  few(requirements, 120),
  [...specifierWords, ...markerWords, '[', ']', ';', '@', 'file:///x'],
  (input) => {
    const parsed = parseRequirement(input);
    if (!parsed) return;
    const printed = formatRequirement(parsed);
    const again = parseRequirement(printed);
    holds(again !== null, 'is not read again', input, printed);
    same(again && formatRequirement(again), printed, 'is printed otherwise the second time');
    if (parsed.marker) evaluateMarker(parsed.marker, markers, 'extra');
  },
);

const markerSeeds = requirements.flatMap((line) => line.split(/;\s*/).slice(1));
const marker = text(
  'marker',
  few(markerSeeds, 80),
  [...markerWords, '<', '>', '~=', '===', '!=', 'os.name', '\\'],
  (input) => {
    const parsed = parseMarker(input);
    if (!parsed) return;
    const printed = formatMarker(parsed);
    const again = parseMarker(printed);
    holds(again !== null, 'is not read again', input, printed);
    same(again && formatMarker(again), printed, 'is printed otherwise the second time');
    if (again)
      same(
        evaluateMarker(parsed, markers, 'x'),
        evaluateMarker(again, markers, 'x'),
        'means another thing once printed',
      );
  },
);

const lockFile = `--index-url https://index/simple
# a comment
-r base.txt
-c "constraints.txt"
requests[socks]==2.31.0 ; python_version >= "3.8" \\
    --hash=sha256:${'0'.repeat(64)} # because
-e ./project#egg=project
name @ https://host/name-1.0.zip#sha256=aa
\${HOME}/path --config-settings=a=b
`;
const kinds = new Set(['named', 'direct', 'options', 'file', 'unknown']);

const requirementFile: Target = {
  name: 'requirement-file',
  seeds: [
    Buffer.from(lockFile),
    Buffer.from(`\ufeff${lockFile}`, 'utf16le'),
    Buffer.from(`# -*- coding: latin-1 -*-\n${lockFile}ä`, 'latin1'),
    ...few(requirements, 20),
  ],
  dictionary: [
    '-r ',
    '-c ',
    '-e ',
    '--hash=',
    '--index-url ',
    '\\\n',
    ' #',
    '${',
    '}',
    '"',
    "'",
    '@',
    '://',
    '.txt',
    '#egg=',
    '&subdirectory=',
    'git+',
    '.whl',
    '[a]',
    '; ',
  ],
  run: (input) => {
    let reads = 0;
    const context = {
      directory: '/work',
      environment: { HOME: '/home/me', A: '${A}' },
      pip: '26.3',
      read: (location: string) => {
        reads += 1;
        holds(!location.includes('${HOME}'), 'reads what is not filled in', location);
        return reads > 20
          ? null
          : location.length % 2 === 0
            ? input
            : input.subarray(input.length >> 1);
      },
    };
    for (const entry of readRequirementFile('requirements.txt', false, context)) {
      holds(kinds.has(entry.kind), 'an entry of no kind', entry);
    }
  },
};

const csv = text(
  'csv',
  ['a,b,c\n', '"a,b","c""d",\n', 'a.py,sha256=x,1\n\n', '"a\nb",,\n'],
  [',', '"', '""', '\r\n', '../'],
  (input) => {
    // What ends a line for Python's splitlines alone cannot come back.
    const rows = readCsv(splitLines(input)).map((row) =>
      row.map((field) => splitLines(field).join('')),
    );
    const written = writeCsv(rows);
    same(readCsv(written.split('\r\n').slice(0, -1)), rows, 'reads otherwise what was written');
  },
);

const record = text(
  'record',
  ['a.py,sha256=x,1\nb.py,,\n--\nbin/c,,\n', '"a,b",x,1\n--\n"c""d",,'],
  [',', '"', '\n--\n', '../../../bin/x', 'é', '😀'],
  (input) => {
    const [some = [], more = []] = input
      .split('\n--\n')
      .map((part) =>
        readCsv(splitLines(part)).map(
          ([path = '', hash = '', size = '']): RecordLine => [path, hash, size],
        ),
      );
    same(
      insertIntoRecord(formatRecord(some), more),
      formatRecord([...some, ...more]),
      'inserts in another place',
    );
  },
);

const entryPoints = text(
  'entry-points',
  ['[console_scripts]\na = m:f\n', '[gui_scripts]\nb=m.n:f.g [x]\n# c\n[other]\nd = e', 'a = m:f'],
  [
    '[console_scripts]\n',
    ' = ',
    ':',
    '.',
    '[',
    ']',
    '../',
    '\u2028',
    '\x85',
    "'",
    '"',
    '(',
    ';',
    'é',
  ],
  (input) => {
    const { console, gui } = parseEntryPoints(input);
    for (const [name, value] of [...console, ...gui, ['', input] as const]) {
      const target = parseScriptTarget(`${name} = ${value}`);
      if (!target) continue;
      // What stands in a script is names alone, so that its other lines are ours.
      for (const part of [target.module, target.importName, target.callable]) {
        holds(/^[\p{L}\p{N}_.]+$/u.test(part), 'a part that is no name', part, input);
      }
      same(pipBehaviour(null).scriptBody(target).split('\n').length, 6, 'lines of a script');
    }
  },
);

const metadata = text(
  'metadata',
  [
    'Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Dist: b>=1;\n  extra == "x"\nProvides-Extra: x\n\nbody\n',
  ],
  [': ', '\n ', '\n\n', '\r', 'Name', 'Version', 'Requires-Dist', '\t'],
  (input) => {
    for (const [name, values] of parseHeaders(input)) {
      holds(name === name.toLowerCase() && !/[\s:]/.test(name), 'a name that is none', name);
      holds(values.length > 0, 'a header without a value', name);
    }
    const parsed = parseMetadata(input);
    for (const line of parsed.requiresDist) parseRequirement(line);
  },
);

const ini = text(
  'ini',
  ['[global]\nindex-url = https://a\nextra =\n  b\n  c\n; d\n[install]\nx: y\n'],
  ['[', ']', '=', ':', '\n ', ';', '#', '\t'],
  (input) => {
    const parsed = parseIni(input);
    if (!parsed) return;
    const written = [...parsed]
      .map(
        ([section, values]) =>
          `[${section}]\n${[...values].map(([key, value]) => `${key} = ${value.replaceAll('\n', '\n\t')}\n`).join('')}`,
      )
      .join('');
    const isPlain = [...parsed].every(
      ([section, values]) =>
        !section.includes(']') &&
        [...values].every(
          ([key, value]) => !/^[[#;]/.test(key) && !/^\s*[#;]|\n\s*[#;]|\n$/.test(value),
        ),
    );
    const again = parseIni(written);
    if (isPlain)
      same(
        again && [...again].map(([section, values]) => [section, [...values]]),
        [...parsed].map(([section, values]) => [section, [...values]]),
        'reads otherwise what was written',
      );
  },
);

const names = [
  'a-1.0-py3-none-any.whl',
  'a-1.0-1x-cp311.py3-abi3.none-linux_x86_64.any.whl',
  'a-1.0.tar.gz',
  'A_b-1.0-py3.8.zip',
  'a-1.0.post1.tar.bz2',
];
const archiveName = text(
  'archive-name',
  names,
  ['-', '.', '_', '.whl', '.tar.gz', '-py3', '.zip', 'none', 'any', '%2F', '../', '__'],
  (input) => {
    const key = normalizeName(input.slice(0, Math.max(input.indexOf('-'), 0)));
    for (const pip of ['20.0', '26.3']) {
      const read = readArchiveName(input, key, pip);
      if (read && read !== 'unclear')
        holds(parseVersion(formatVersion(read.version)) !== null, 'no version', input);
    }
    const address = `https://host/${encodeURI(input)}`;
    if (URL.canParse(address))
      holds(!filenameOf(address).includes('/'), 'a name of several parts', address);
  },
);

const link =
  '<a href="../a-1.0.tar.gz#sha256=aa" data-requires-python="&gt;=3" data-yanked="">a</a>';
function page(
  name: string,
  contentType: string,
  seeds: readonly string[],
  dictionary: readonly string[],
): Target {
  return {
    name,
    seeds: seeds.map((seed) => Buffer.from(seed)),
    dictionary,
    run: (input) => {
      try {
        for (const file of readPage({
          url: 'https://me:secret@host/simple/a/',
          contentType,
          body: input,
        })) {
          holds(URL.canParse(file.url), 'no URL', file.url);
          holds(!file.url.includes('secret'), 'a password', file.url);
          holds(/^[a-z][a-z\d+.-]*:\/\//i.test(file.url), 'a URL of no place', file.url);
        }
      } catch (error) {
        if (!(error instanceof UnclearPage)) throw error;
      }
    },
  };
}

const html = page(
  'index-html',
  'text/html',
  [
    `<!DOCTYPE html><html><head><base href="/x/"></head><body>${link}<br/>\n${link}</body></html>`,
    '<!-- c --><a href=b-1.zip>b</a><script>"</script>',
  ],
  [
    link,
    '<a ',
    'href=',
    '"',
    "'",
    '>',
    '<base href="',
    '</script',
    '<!--',
    '-->',
    '&amp;',
    '&#x41;',
    '%2F',
    'javascript:',
    'file:///',
    '//host/',
    '#egg=a',
    'data-core-metadata',
  ],
);
const json = page(
  'index-json',
  'application/vnd.pypi.simple.v1+json',
  [
    '{"meta":{"api-version":"1.0"},"name":"a","files":[{"filename":"a-1.0.tar.gz","url":"a-1.0.tar.gz","hashes":{"sha256":"aa"},"yanked":false,"core-metadata":{"sha256":"b"},"size":1}]}',
  ],
  [
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    'null',
    'true',
    '"files"',
    '"url"',
    '"hashes"',
    '"yanked"',
    '"__proto__"',
    '"constructor"',
    '1e999',
  ],
);

const netrc = text(
  'netrc',
  [
    'machine host login me password secret\ndefault login a password b\n',
    'macdef x\nls\n\nmachine h',
  ],
  ['machine ', 'default ', 'login ', 'password ', 'macdef ', '#', '\n\n', '"'],
  (input) => {
    for (const { login, password } of parseNetrc(input).values()) {
      holds(typeof login === 'string' && typeof password === 'string', 'no words', input);
    }
  },
);

const redaction = text(
  'redact',
  ['https://me:secret@host/a?b#c', 'see http://me@host and git+ssh://a:b@c', '://a:b@'],
  ['://', ':', '@', '/', '?', '#', 'https', ' '],
  (input) => {
    const once = redact(input);
    same(redact(once), once, 'is changed the second time');
    const secret = redact(`${input.replaceAll(/[\s/?#@:]/g, '')}https://me:s3cr3t@host/`);
    holds(!secret.includes('s3cr3t'), 'a password', secret);
  },
);

const commandLine = text(
  'command-line',
  [
    'install\n-r\nrequirements.txt\n--no-index',
    '--python\npython3\ninstall\n-U\na==1',
    'accel\ndoctor',
  ],
  ['install', '-r', '--python', '--', '-', '=', '\n', '--no-', '-e', '--pip-accel'],
  (input) => {
    try {
      const line = parseCommandLine(input.split('\n'));
      if ('words' in line)
        holds(line.words.length <= input.split('\n').length, 'words from nowhere', input);
    } catch (error) {
      if (!(error instanceof PipAccelError)) throw error;
    }
  },
);

export const textTargets: readonly Target[] = [
  version,
  specifiers,
  requirement,
  marker,
  requirementFile,
  csv,
  record,
  entryPoints,
  metadata,
  ini,
  archiveName,
  html,
  json,
  netrc,
  redaction,
  commandLine,
];
