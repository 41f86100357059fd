import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PipAccelError } from '../../core/errors.ts';
import type { DistributionMetadata } from '../../core/types.ts';
import { decisionFile } from '../../plan/decisions.ts';
import { firstByName, readInstalled, readMetadata } from '../../plan/installed.ts';
import type { PlannedItem } from '../../plan/plan.ts';
import { fileOptions } from '../../plan/request/options.ts';
import type { InstallRequest } from '../../plan/request/request.ts';
import { runLines } from '../../process/cold/run.ts';
import { normalizeName } from '../../python/names.ts';
import { formatRequirement, parseRequirement } from '../../python/pep508.ts';
import { isOfTheWholeLine } from '../../report/cold/kept-lines.ts';
import type { InstallJob } from '../job.ts';
import { throughGateway } from './line-gateway.ts';

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
  job.context.timings?.enter('pip');
  const folder = await mkdtemp(join(tmpdir(), 'pip-accel-'));
  try {
    const file = join(folder, 'direct.txt');
    const lines = [
      ...fileOptions(job.request).flatMap(optionLine),
      ...items.map((item) => requirementLine(item, isNamed(item, job.request))),
    ];
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    const given = job.line.parsed?.options ?? [];
    const words = [
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
    const exitCode = await runPip(job, words, announce);
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

async function runPip(
  job: InstallJob,
  words: readonly string[],
  announce: () => void,
): Promise<number> {
  const { context, reporter } = job;
  const environment = {
    ...job.environment,
    PIP_ROOT_USER_ACTION: 'ignore',
    ...(context.settings.offline ? { PIP_NO_INDEX: '1' } : {}),
  };
  const { descriptors: held } = await context.lock(reporter);
  const install = { name: 'install', words };
  return await throughGateway(install, { environment, context }, async (words, environment) => {
    const command = [...context.pip, ...words];
    return await runLines(command, { environment, held }, ({ stream, line, end }) => {
      if (stream === 'stdout' && line.startsWith('Installing collected packages:')) announce();
      if (stream === 'stdout' && isOfTheWholeLine(line)) return;
      reporter.emit({ type: 'pip-line', stream, line, end });
    });
  });
}

/**
 * Takes back that dependencies were asked for: pip says so of all that its words name, by an empty
 * file REQUESTED (PEP 376).
 */
export async function markDependencies(
  { context }: InstallJob,
  items: readonly PlannedItem[],
): Promise<void> {
  const dependencies = items.filter(({ decided }) => !decided.requested);
  if (dependencies.length === 0) return;
  const installed = firstByName(readInstalled(context.interpreter));
  for (const { decided } of dependencies) {
    const present = installed.get(decided.key);
    if (present?.form === 'dist-info') await dropRequested(present.metadataPath);
  }
}

async function dropRequested(distInfo: string): Promise<void> {
  const record = join(distInfo, 'RECORD');
  const prefix = `${basename(distInfo)}/REQUESTED,`;
  const text = await readFile(record, 'utf8');
  const lines = text.split(/(?<=\n)/).filter((line) => !line.startsWith(prefix));
  // A RECORD is there at every moment.
  await writeFile(`${record}.new`, lines.join(''));
  await rename(`${record}.new`, record);
  await rm(join(distInfo, 'REQUESTED'), { force: true });
}

/**
 * Forgets a decision that rests on metadata which a project does not have any more. It was static
 * (PEP 621), so that only a backend that takes liberties gets here.
 *
 * @returns the names of the projects that are not as they were decided.
 */
export async function forgetIfChanged(
  job: InstallJob,
  items: readonly PlannedItem[],
  key: string,
): Promise<readonly string[]> {
  const { interpreter, store } = job.context;
  const installed = firstByName(readInstalled(interpreter));
  const changed = items.filter(({ decided }) => {
    const present = installed.get(decided.key);
    return !present || !isAlike(readMetadata(present.metadataPath), decided.metadata);
  });
  if (changed.length > 0) await rm(decisionFile(store, key), { force: true });
  return changed.map(({ spelling }) => spelling);
}

function isAlike(left: DistributionMetadata, right: DistributionMetadata): boolean {
  const [one, other] = [left, right].map(({ version, requiresDist }) =>
    [version, ...requiresDist.map(normalRequirement).sort()].join('\n'),
  );
  return one === other;
}

/** Backends differ in how they write one and the same. */
function normalRequirement(text: string): string {
  const requirement = parseRequirement(text);
  if (!requirement) return text;
  return formatRequirement({ ...requirement, name: normalizeName(requirement.name) });
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
