import { afterAll, beforeEach } from 'vitest';
import { Fixtures } from './fixtures.ts';
import { type Finished, Sandbox } from './sandbox.ts';

/** Fixtures and a sandbox for the tests of a file, each of which begins with the environment as it was made. */
export function setUp(): { readonly fixtures: Fixtures; readonly sandbox: Sandbox } {
  const fixtures = new Fixtures();
  const sandbox = new Sandbox();
  sandbox.keepEnvironment();
  beforeEach(() => sandbox.resetEnvironment());
  afterAll(() => {
    sandbox[Symbol.dispose]();
    fixtures[Symbol.dispose]();
  });
  return { fixtures, sandbox };
}

/** All that pip says but what tells of the progress of downloads and builds. */
export function essence({ stdout, stderr, exitCode }: Finished): Finished {
  const progress =
    /^\s+(Using cached|Downloading|Installing (build|backend) dep|Getting requirements|Preparing metadata|Building wheel|Created wheel|Stored in)|^(Building|Built|Successfully built) /;
  const kept = stdout.split('\n').filter((line) => !progress.test(line));
  return { stdout: kept.join('\n'), stderr, exitCode };
}
