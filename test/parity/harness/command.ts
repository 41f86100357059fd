import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { baseVariables } from './settings.ts';

export interface Outcome {
  readonly command: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
}

export interface CommandOptions {
  /** Where a command may leave things: HOME, TMPDIR and pip's cache are in it. */
  readonly home: string;
  readonly cwd?: string;
  /** A folder of programs that are found before the machine's. */
  readonly firstOnPath?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Run it in a network namespace that has no interface but a loopback that is down. */
  readonly offline?: boolean;
}

/** Runs a command in a controlled environment; never throws for its exit code. */
export async function run(argv: readonly string[], options: CommandOptions): Promise<Outcome> {
  const temporary = path.join(options.home, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const [file = '', ...args] = options.offline ? [...withoutNetwork(), ...argv] : argv;
  const started = performance.now();
  const result = await execa(file, args, {
    cwd: options.cwd ?? options.home,
    env: {
      ...baseVariables(options.home, options.firstOnPath),
      TMPDIR: temporary,
      ...options.variables,
    },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    maxBuffer: 64 * 1024 * 1024,
  });
  return {
    command: argv.join(' '),
    exitCode: result.exitCode ?? -1,
    stdout: result.stdout,
    // A file that cannot be started has no stderr, only execa's own message.
    stderr: result.exitCode === undefined ? `${result.stderr}\n${result.message}` : result.stderr,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Runs a command and throws with its output unless it succeeds. */
export async function succeed(argv: readonly string[], options: CommandOptions): Promise<Outcome> {
  const outcome = await run(argv, options);
  if (outcome.exitCode !== 0) throw new Error(describeOutcome(outcome));
  return outcome;
}

export function describeOutcome(outcome: Outcome): string {
  return [
    `${outcome.command} exited with ${outcome.exitCode} after ${outcome.seconds.toFixed(1)} s`,
    tail(outcome.stdout),
    tail(outcome.stderr),
  ].join('\n');
}

/** A user other than root gets a namespace by becoming root of a user namespace of their own. */
function withoutNetwork(): readonly string[] {
  return process.getuid?.() === 0 ? ['unshare', '-n', '--'] : ['unshare', '-rn', '--'];
}

function tail(text: string): string {
  return text.split('\n').slice(-40).join('\n');
}
