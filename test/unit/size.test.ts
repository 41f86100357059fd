import { expect, test } from 'vitest';
import { loadSettings, parseSize } from '../../src/config/load.ts';

test.each([
  ['500M', 500_000_000],
  ['10GB', 10_000_000_000],
  ['1.5Gi', 1_610_612_736],
  ['2TiB', 2_199_023_255_552],
  ['20 kB', 20_000],
  ['7', 7],
  ['0', 0],
])('the size %s is %s bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', 'M', '-1G', '1 2', '10X', '1.G', 'none', 'Infinity'])('%j is no size', (text) => {
  expect(parseSize(text)).toBeUndefined();
});

test('without max-size, or with none, there is no limit', () => {
  const maxSize = (value: string) =>
    loadSettings({ HOME: '/nonexistent', PIP_ACCEL_MAX_SIZE: value }, new Map()).maxSize;
  expect([maxSize(''), maxSize('none'), maxSize('1k')]).toEqual([null, null, 1000]);
});
