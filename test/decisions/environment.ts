import { makeModel } from '../environment.ts';

/** The pip whose decisions are the measure: a version, or `bundled` for the one that the Python at hand brings along. */
const version = process.env['DECISIONS_PIP'] ?? '26.3';

/** Called by Vitest before all suites. */
export default function setup(): () => void {
  return makeModel(version === 'bundled' ? null : version);
}
