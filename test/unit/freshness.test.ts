import { expect, test } from 'vitest';
import { freshSecondsOf } from '../../src/plan/cold/freshness.ts';

test.each([
  ['max-age=600, public', null, 600],
  ['Public, Max-Age=300', null, 300],
  ['max-age="90"', null, 90],
  ['max-age=300', '120', 180],
  ['max-age=300', '400', 0],
  ['max-age=300', 'soon', 300],
  // Ten minutes at most, of what is left.
  ['max-age=86400', null, 600],
  ['max-age=86400', '85900', 500],
  ['no-cache, max-age=600', null, 0],
  ['max-age=600, no-store', null, 0],
  ['s-maxage=600', null, 0],
  ['public', null, 0],
  [null, '5', 0],
])('an answer with `%s` that is %s seconds old holds for %i', (cacheControl, age, seconds) => {
  expect(freshSecondsOf(cacheControl, age)).toBe(seconds);
});
