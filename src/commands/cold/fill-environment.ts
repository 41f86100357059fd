import { PipAccelError } from '../../core/errors.ts';
import { runLines } from '../../process/cold/run.ts';
import type { InstallJob } from './install.ts';

/** Options that pip passes on to the installation of build requirements (`build_env.py`). */
const passedOn = [
  'index-url',
  'extra-index-url',
  'no-index',
  'find-links',
  'pre',
  'prefer-binary',
  'no-binary',
  'only-binary',
  'trusted-host',
  'proxy',
  'cert',
  'client-cert',
  'timeout',
  'retries',
  'cache-dir',
  'no-cache-dir',
  'keyring-provider',
  'no-input',
];

/** Installs build requirements into a prefix by pip, with the index options of the line. */
export async function fillEnvironment(
  job: InstallJob,
  requirements: readonly string[],
  prefix: string,
): Promise<void> {
  const given = job.line.parsed?.options ?? [];
  const words = given.flatMap(({ option, value }) => {
    if (!passedOn.includes(option.name)) return [];
    return value === '' ? [`--${option.name}`] : [`--${option.name}=${value}`];
  });
  const command = [
    ...job.context.pip,
    'install',
    '--ignore-installed',
    '--no-user',
    '--prefix',
    prefix,
    '--no-warn-script-location',
    '--disable-pip-version-check',
    '--quiet',
    ...words,
    '--',
    ...requirements,
  ];
  const errors: string[] = [];
  const exitCode = await runLines(command, job.environment, ({ stream, line }) => {
    if (stream === 'stderr') errors.push(line);
  });
  if (exitCode === 0) return;
  throw new PipAccelError(
    'build-failed',
    `Cannot install the build requirements ${requirements.join(', ')}:\n${errors.join('\n')}`,
  );
}
