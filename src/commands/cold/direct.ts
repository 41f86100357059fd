import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PipAccelError } from '../../core/errors.ts';
import type { PlannedItem } from '../../plan/plan.ts';
import { fileOptions } from '../../plan/request/options.ts';
import type { InstallRequest } from '../../plan/request/request.ts';
import { runLines } from '../../process/cold/run.ts';
import { normalizeName } from '../../python/names.ts';
import type { InstallJob } from '../job.ts';

/** Options that decided what to install, and have nothing to say on how. */
const decisive = [
  'requirement',
  'constraint',
  'editable',
  'group',
  'requirements-from-script',
  'no-deps',
  'only-deps',
  'upgrade',
  'upgrade-strategy',
  'require-hashes',
  'no-require-hashes',
  'ignore-requires-python',
  'no-warn-conflicts',
  'root-user-action',
];

/**
 * Has pip install the paths, URLs and repositories of a line, each as it was decided, without
 * their dependencies, which are in place. pip's lines that people parse are those of the whole line.
 *
 * @param announce called when pip begins to install, before its lines about that.
 * @throws PipAccelError `install-failed`, after pip has said why.
 */
export async function installDirect(
  job: InstallJob,
  items: readonly PlannedItem[],
  announce: () => void,
): Promise<void> {
  if (items.length === 0) return;
  const folder = await mkdtemp(join(tmpdir(), 'pip-accel-'));
  try {
    const file = join(folder, 'direct.txt');
    const lines = [
      ...fileOptions(job.request).flatMap(optionLine),
      ...items.map((item) => requirementLine(item, isNamed(item, job.request))),
    ];
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    const given = job.line.parsed?.options ?? [];
    const command = [
      ...job.context.pip,
      'install',
      ...given
        .filter(({ option }) => !decisive.includes(option.name))
        .flatMap(({ words }) => words),
      '--no-deps',
      '--no-warn-conflicts',
      '--disable-pip-version-check',
      '-r',
      file,
    ];
    const environment = { ...job.environment, PIP_ROOT_USER_ACTION: 'ignore' };
    const exitCode = await runLines(command, environment, ({ stream, line, end }) => {
      if (stream === 'stdout' && line.startsWith('Installing collected packages:')) announce();
      if (stream === 'stdout' && isOfTheWholeLine(line)) return;
      job.reporter.emit({ type: 'pip-line', stream, line, end });
    });
    if (exitCode !== 0) {
      throw new PipAccelError(
        'install-failed',
        'pip could not install what was named by path or URL',
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function isOfTheWholeLine(line: string): boolean {
  return /^(Installing collected packages:|Successfully installed |Processing |Collecting |Obtaining |Looking in |  (Installing build dependencies|Checking if build backend|Getting requirements to build|Installing backend dependencies|Preparing (editable )?metadata))/.test(
    line,
  );
}

/** Options of files that said what to decide. */
function optionLine({ name, value }: { name: string; value: string | null }): readonly string[] {
  if (decisive.includes(name)) return [];
  return [value === null ? `--${name}` : `--${name} ${value}`];
}

/**
 * By `name @ …`, the user's or a dependency's, and not by a mere path or URL: that makes a
 * difference for the name by which pip goes (a wheel's is then that of its file).
 */
function isNamed({ decided }: PlannedItem, request: InstallRequest): boolean {
  const { key, requested } = decided;
  const names = request.entries.map((entry) => (entry.kind === 'direct' ? entry.name : null));
  return !requested || names.some((name) => name !== null && normalizeName(name) === key);
}

function requirementLine({ decided, spelling }: PlannedItem, named: boolean): string {
  const { direct, extras, source } = decided;
  if (!direct) throw new Error('not a direct requirement');
  const fragment = direct.subdirectory ? `#subdirectory=${direct.subdirectory}` : '';
  const suffix = extras.length > 0 ? `[${extras.join(',')}]` : '';
  if (direct.editable) return `-e ${direct.location}${suffix}`;
  const url = direct.location.startsWith('/') ? source.url : direct.location;
  return named ? `${spelling}${suffix} @ ${url}${fragment}` : `${url}${fragment}`;
}
