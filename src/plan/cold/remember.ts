import { writeFile } from 'node:fs/promises';
import { publishFile } from '../../store/cold/publish.ts';
import type { Store } from '../../store/layout.ts';
import { decisionFile, type RememberedDecision } from '../decisions.ts';

/** Keeps a decision for the next time that the same is asked. */
export async function rememberDecision(
  store: Store,
  key: string,
  decision: RememberedDecision,
): Promise<void> {
  await publishFile(store, decisionFile(store, key), (path) =>
    writeFile(path, JSON.stringify(decision)),
  );
}
