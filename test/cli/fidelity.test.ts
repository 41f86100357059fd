import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Fixtures } from './fixtures.ts';
import { type Finished, Sandbox } from './sandbox.ts';

let fixtures: Fixtures;
let sandbox: Sandbox;
beforeAll(() => {
  fixtures = new Fixtures();
  sandbox = new Sandbox();
  sandbox.keepEnvironment();
});
beforeEach(() => sandbox.resetEnvironment());
afterAll(() => {
  sandbox[Symbol.dispose]();
  fixtures[Symbol.dispose]();
});

/** Lines typed one after the other into a fresh environment. */
const sequences: readonly (readonly string[])[] = [
  ['install fx-wheel', 'install fx-wheel'],
  ['install fx-needs-range', 'install fx-many'],
  ['install fx-many==1', 'install fx-needs-range'],
  ['install fx-many==4', 'install fx-many==2'],
  ['install fx-needs-range', 'install fx-needs-old'],
  ['install fx-needs-range fx-needs-old'],
  ['install fx-many>=5'],
  ['install fx-no-such-project'],
  ['install fx-circular-a'],
  ['install fx-extras[range]', 'install fx-extras[range]'],
  ['install FX.Dotted_name'],
  ['install fx-own-a fx-own-b'],
  ['install fx-pair-a==1 fx-pair-b==1', 'install fx-pair-a==2', 'install fx-pair-a==1'],
  ['install -q fx-wheel'],
  ['install --no-deps fx-needs-range', 'install fx-wheel'],
  ['install fx-markers'],
  ['install --pre fx-pre'],
  ['install --force-reinstall fx-many', 'install --force-reinstall fx-many'],
  ['install fx-many==1', 'install -U fx-many'],
  ['install fx-many==1', 'install -I fx-many==2'],
  ['install fx-needs-absent'],
  ['install --no-deps fx-needs-absent', 'install fx-wheel'],
  [
    'install --no-warn-conflicts --no-deps fx-needs-range',
    'install --no-warn-conflicts fx-many==4',
  ],
  ['install --no-deps fx-needs-range fx-many==2', 'install fx-many==4'],
  ['install fx-wheel-entry-points'],
  ['install fx-pure fx-backend-pure'],
];

describe('what pip says of an installation is said alike, from a cold and from a warm store', () => {
  test.each(sequences.map((lines) => [lines.join(' && '), lines] as const))('%s', (_, lines) => {
    // What pip built before must not change what it says now.
    const options = { environment: { PIP_FIND_LINKS: fixtures.index, PIP_NO_CACHE_DIR: '1' } };
    const expected = lines.map((line) => essence(sandbox.pip(line.split(' '), options)));
    for (const state of ['cold', 'warm']) {
      sandbox.resetEnvironment();
      const actual = lines.map((line) => essence(sandbox.accel(line.split(' '), options)));
      expect(actual, state).toEqual(expected);
    }
  });
});

/** All but what tells of the progress of downloads and builds. */
function essence({ stdout, stderr, exitCode }: Finished): Finished {
  const progress =
    /^\s+(Using cached|Downloading|Installing (build|backend) dep|Getting requirements|Preparing metadata|Building wheel|Created wheel|Stored in)|^(Building|Built|Successfully built) /;
  const kept = stdout.split('\n').filter((line) => !progress.test(line));
  return { stdout: kept.join('\n'), stderr, exitCode };
}
