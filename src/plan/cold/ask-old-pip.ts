import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GivenOption } from '../../cli/argv.ts';
import type { Environment } from '../../config/load.ts';
import type { PipConfiguration } from '../../config/pip-config.ts';
import type { Emit } from '../../core/events.ts';
import type {
  Decided,
  InstalledDistribution,
  NormalizedName,
  Sha256,
  Source,
} from '../../core/types.ts';
import { runLines } from '../../process/cold/run.ts';
import { compareVersions, parseVersion } from '../../python/pep440.ts';
import { isTransient, type PipAnswer, runOptions } from './ask-pip.ts';
import { DownloadTalk } from './download-talk.ts';
import { type Candidate, parseDownloadLog } from './download-log.ts';

/** The question to a pip before 22.2: what `pip download` takes of the user's own words. */
export interface OldPipQuestion {
  /** The words that start pip. */
  readonly pip: readonly string[];
  readonly options: readonly GivenOption[];
  readonly requirements: readonly string[];
  /** Of `pip install`: `pip download` would read its own section of the files. */
  readonly configuration: PipConfiguration;
  readonly environment: Environment;
  /** What it gets whatever the configuration says. */
  readonly variables: Environment;
  readonly maxRetries: number;
  /** Aborted where no answer is wanted any more. */
  readonly signal?: AbortSignal | undefined;
  /** The projects that the user named. */
  readonly named: ReadonlySet<NormalizedName>;
  /** What may satisfy a requirement: nothing with `--ignore-installed` and `--force-reinstall`. */
  readonly installed: ReadonlyMap<NormalizedName, InstalledDistribution>;
  /** pip's word for what is installed already and stays. */
  readonly satisfied: (key: NormalizedName) => string;
  /** A folder for the archives, on the volume that they are kept on; not there yet. */
  readonly folder: string;
}

export interface OldPipContext {
  readonly emit: Emit;
  /** Takes an archive out of the temporary folder and keeps it. */
  readonly keep: (source: Omit<Source, 'sha256'>, path: string) => Promise<Sha256>;
}

export type OldPipAnswer =
  | PipAnswer
  /** `pip download` cannot tell what `pip install` would do. */
  | { readonly outcome: 'hand-over'; readonly reason: string };

/**
 * Asks a pip that has no `--dry-run --report` (18.1 to 22.1) by `pip download`, which passes
 * over what is installed: so its answer counts only where nothing that it names is installed in
 * another version, else it is `hand-over`. The URLs come out of pip's log, for nothing else tells
 * them. pip's words are emitted as they come, but from the first word on something that is
 * installed they wait for the answer.
 *
 * The metadata in the answer is no more than the archives' names say.
 */
export async function askOldPip(
  question: OldPipQuestion,
  context: OldPipContext,
): Promise<OldPipAnswer> {
  const { folder } = question;
  await mkdir(folder, { mode: 0o700 });
  for (let attempt = 1; ; attempt += 1) {
    const place = { archives: join(folder, `${attempt}`), log: join(folder, `${attempt}.log`) };
    const { exitCode, talk, transient, isBuild } = await askOnce(question, place, context.emit);
    if (exitCode === 0) return await readAnswer(question, { ...place, talk, ...context });
    // With a log at hand, pip shows the output of a failed setup.py nowhere else.
    if (isBuild) return { outcome: 'hand-over', reason: 'a failure to prepare a build' };
    if (question.signal?.aborted) return { outcome: 'refused', exitCode, transient };
    talk.release();
    if (!transient || attempt > question.maxRetries) {
      return { outcome: 'refused', exitCode, transient };
    }
    context.emit({ type: 'decide-retry', attempt, attempts: question.maxRetries });
  }
}

interface Place {
  readonly archives: string;
  readonly log: string;
}

async function askOnce(question: OldPipQuestion, { archives, log }: Place, emit: Emit) {
  const talk = new DownloadTalk(new Set(question.installed.keys()), emit);
  let transient = false;
  let isBuild = false;
  const options = question.options.filter(({ option }) => option.download !== false);
  const command = [
    ...question.pip,
    'download',
    ...options.flatMap(({ words }) => words),
    '--dest',
    archives,
    '--log',
    log,
    '--',
    ...question.requirements,
  ];
  const run = runOptions(environmentOf(question), question.signal);
  const exitCode = await runLines(command, run, (output) => {
    transient ||= isTransient(output.line);
    isBuild ||= isOfBuild(output.line);
    talk.hear(output);
  });
  return { exitCode, talk, transient, isBuild };
}

/** What pip says where a command that it ran for a project failed. */
function isOfBuild(line: string): boolean {
  return /Command errored out|failed with error code|subprocess-exited-with-error|metadata-generation-failed/.test(
    line,
  );
}

/** The whole configuration of `pip install` as variables, its files switched off. */
function environmentOf({ environment, configuration, variables }: OldPipQuestion): Environment {
  const others = Object.entries(environment).filter(([name]) => !name.startsWith('PIP_'));
  const options = [...configuration].map(([name, value]) => [
    `PIP_${name.toUpperCase().replaceAll('-', '_')}`,
    value,
  ]);
  const configured = Object.fromEntries([...others, ...options]);
  return { ...configured, ...variables, PIP_CONFIG_FILE: '/dev/null' };
}

interface Answer extends Place, OldPipContext {
  readonly talk: DownloadTalk;
}

async function readAnswer(
  question: OldPipQuestion,
  { archives, log, talk, keep }: Answer,
): Promise<OldPipAnswer> {
  const files = existsSync(archives) ? await readdir(archives) : [];
  const tried = parseDownloadLog(await readFile(log, 'utf8'));
  const chosen = choose(tried, files);
  if (chosen === null) return { outcome: 'hand-over', reason: 'a log of pip that cannot be read' };
  const satisfied = chosen.filter(({ key }) => question.installed.has(key));
  const isOtherwise = satisfied.some(
    (candidate) => !isSameVersion(candidate, question.installed.get(candidate.key)),
  );
  // Where pip had to go back on a choice, what is installed could have led it elsewhere.
  const wentBack = tried.length !== chosen.length;
  if (satisfied.length > 0 && (isOtherwise || wentBack)) {
    return { outcome: 'hand-over', reason: 'an old pip that takes account of what is installed' };
  }
  const isTold = talk.release(tried, ({ key, text, comesFrom }) => {
    const present = question.installed.get(key);
    return present ? { present, text, comesFrom, word: question.satisfied(key) } : null;
  });
  if (!isTold) return { outcome: 'hand-over', reason: 'words of pip that cannot be read' };
  const decided: Decided[] = [];
  for (const candidate of chosen) {
    if (question.installed.has(candidate.key)) continue;
    const { key, url, filename, spelling, extras, version } = candidate;
    const source = { url, filename };
    const sha256 = await keep(source, join(archives, filename));
    decided.push({
      metadata: {
        name: spelling,
        version,
        requiresDist: [],
        requiresPython: null,
        providesExtra: [],
      },
      key,
      spelling,
      source: { ...source, sha256 },
      requested: question.named.has(key),
      extras,
      direct: null,
    });
  }
  const { stdout: lines, stderr: warnings } = talk.said;
  return { outcome: 'decided', decided, lines, warnings };
}

/** The candidates whose archives pip kept, in the order in which it came upon them; null where one cannot be told. */
function choose(
  tried: readonly Candidate[],
  files: readonly string[],
): readonly Candidate[] | null {
  const chosen = new Map<string, Candidate>();
  for (const candidate of tried) {
    if (files.includes(candidate.filename)) chosen.set(candidate.filename, candidate);
  }
  const projects = new Set([...chosen.values()].map(({ key }) => key));
  return chosen.size === files.length && projects.size === files.length
    ? [...chosen.values()]
    : null;
}

function isSameVersion(
  candidate: Candidate,
  installed: InstalledDistribution | undefined,
): boolean {
  const [left, right] = [parseVersion(candidate.version), parseVersion(installed?.version ?? '')];
  return left !== null && right !== null && compareVersions(left, right) === 0;
}
