import { describe, expect, test } from 'vitest';
import { essence, setUp } from './set-up.ts';

const { fixtures, sandbox } = setUp();

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
