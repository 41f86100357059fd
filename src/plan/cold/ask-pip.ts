import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../config/load.ts';
import type { Emit } from '../../core/events.ts';
import type { Decided, DirectSource, Sha256, Version } from '../../core/types.ts';
import { type OutputLine, runLines, type RunOptions } from '../../process/cold/run.ts';
import { normalizeName } from '../../python/names.ts';
import type { AnsweredPage } from './freshness.ts';
import { filenameOf } from '../pinned/filename.ts';

/** The question: `pip install` with the user's own words. */
export interface PipQuestion {
  /** The words that start pip. */
  readonly pip: readonly string[];
  readonly general: readonly string[];
  readonly arguments: readonly string[];
  readonly environment: Environment;
  readonly maxRetries: number;
  /** Aborted where no answer is wanted any more. */
  readonly signal?: AbortSignal | undefined;
}

export type PipAnswer =
  | {
      readonly outcome: 'decided';
      readonly decided: readonly Decided[];
      /** What pip said on the way, for the record; null where it was told to be quiet. */
      readonly lines: readonly string[] | null;
      /** What it wrote to the standard error; null where it was told to be quiet of warnings, too. */
      readonly warnings: readonly string[] | null;
      /** The pages that it looked at, where somebody looked on. */
      readonly answered?: readonly AnsweredPage[];
    }
  /** pip has said why, in its own words. */
  | { readonly outcome: 'refused'; readonly exitCode: number; readonly transient: boolean };

/**
 * Asks pip for its decision (`--dry-run --report`, pip 22.2 and later). pip's words are
 * emitted as they come, but for the `Would install` line. A failure that may pass, one of
 * the network, is tried again.
 */
export async function askPip(question: PipQuestion, emit: Emit): Promise<PipAnswer> {
  const folder = await mkdtemp(join(tmpdir(), 'pip-accel-'));
  try {
    const report = join(folder, 'report.json');
    for (let attempt = 1; ; attempt += 1) {
      const { exitCode, lines, warnings, transient } = await askOnce(question, report, emit);
      if (exitCode === 0) {
        const decided = parseReport(await readFile(report, 'utf8'));
        return { outcome: 'decided', decided, lines, warnings };
      }
      if (!transient || attempt > question.maxRetries || question.signal?.aborted) {
        return { outcome: 'refused', exitCode, transient };
      }
      emit({ type: 'decide-retry', attempt, attempts: question.maxRetries });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function askOnce(question: PipQuestion, report: string, emit: Emit) {
  const said: Record<OutputLine['stream'], string[]> = { stdout: [], stderr: [] };
  let transient = false;
  const command = [
    ...question.pip,
    ...question.general,
    'install',
    '--dry-run',
    '--report',
    report,
    ...question.arguments,
  ];
  const { environment, signal } = question;
  const exitCode = await runLines(command, runOptions(environment, signal), (output) => {
    if (isOfTheDryRun(output)) return;
    transient ||= isTransient(output.line);
    said[output.stream].push(output.line);
    emit({ type: 'pip-line', ...output });
  });
  return { exitCode, lines: said.stdout, warnings: said.stderr, transient };
}

export function runOptions(environment: Environment, signal: AbortSignal | undefined): RunOptions {
  return signal ? { environment, signal } : { environment };
}

/** What pip says only because it was asked for a dry run with a report. */
function isOfTheDryRun({ stream, line }: OutputLine): boolean {
  return stream === 'stdout'
    ? line.startsWith('Would install ')
    : line.startsWith('WARNING: --report is currently an experimental option');
}

/** Failures of the network that pip reports: connections, time-outs, broken downloads, busy servers. */
export function isTransient(line: string): boolean {
  return /Connection (broken|aborted|reset)|ConnectionResetError|ConnectionError|NewConnectionError|IncompleteRead|ProtocolError|ReadTimeout|Read timed out|ConnectTimeout|Max retries exceeded|Temporary failure in name resolution|Name or service not known|Network is unreachable|HTTP error (429|5\d\d)|(429|5\d\d) (Server|Client) Error|incomplete-download/.test(
    line,
  );
}

/** The part of pip's installation report that is read (format version 1, pip's docs/reference/installation-report). */
interface Report {
  readonly install: readonly ReportItem[];
}

interface ReportItem {
  readonly download_info: DirectUrl;
  readonly is_direct: boolean;
  readonly requested: boolean;
  readonly requested_extras?: readonly string[];
  readonly metadata: {
    readonly name: string;
    readonly version: string;
    readonly requires_dist?: readonly string[];
    readonly requires_python?: string;
    readonly provides_extra?: readonly string[];
  };
}

/** PEP 610. */
interface DirectUrl {
  readonly url: string;
  readonly subdirectory?: string;
  readonly archive_info?: { readonly hash?: string; readonly hashes?: Record<string, string> };
  readonly dir_info?: { readonly editable?: boolean };
  readonly vcs_info?: { readonly vcs: string; readonly requested_revision?: string };
}

/** Reads pip's report; in the order in which pip pinned, which is not the order of installation. */
export function parseReport(text: string): readonly Decided[] {
  return (JSON.parse(text) as Report).install.map((item) => ({
    metadata: {
      name: item.metadata.name,
      version: item.metadata.version as Version,
      requiresDist: item.metadata.requires_dist ?? [],
      requiresPython: item.metadata.requires_python ?? null,
      providesExtra: item.metadata.provides_extra ?? [],
    },
    key: normalizeName(item.metadata.name),
    source: {
      url: item.download_info.url,
      filename: filenameOf(item.download_info.url),
      sha256: sha256Of(item.download_info),
      ...otherHashOf(item.download_info),
    },
    requested: item.requested,
    extras: item.requested_extras ?? [],
    direct: item.is_direct ? directSource(item.download_info) : null,
  }));
}

function sha256Of({ archive_info: archive }: DirectUrl): Sha256 | null {
  const hash = archive?.hashes?.['sha256'] ?? /^sha256=(.+)$/.exec(archive?.hash ?? '')?.[1];
  return (hash?.toLowerCase() as Sha256 | undefined) ?? null;
}

function otherHashOf({ archive_info: archive }: DirectUrl): { readonly promise?: string } {
  const other = Object.entries(archive?.hashes ?? {}).find(([algorithm]) => algorithm !== 'sha256');
  return other ? { promise: other.join('=') } : {};
}

function directSource(info: DirectUrl): DirectSource {
  const { url, subdirectory = null, vcs_info: vcs, dir_info: folder } = info;
  const revision = vcs?.requested_revision;
  const location = vcs
    ? `${vcs.vcs}+${url}${revision === undefined ? '' : `@${revision}`}`
    : folder
      ? fileURLToPath(url)
      : url;
  return { location, editable: folder?.editable === true, subdirectory };
}
