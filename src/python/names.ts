import type { NormalizedName } from '../core/types.ts';

/** PEP 503: lower case, every run of `-`, `_` and `.` as one `-`. */
export function normalizeName(name: string): NormalizedName {
  return name.replace(/[-_.]+/g, '-').toLowerCase() as NormalizedName;
}
