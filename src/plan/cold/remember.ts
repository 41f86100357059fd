import { publishJson } from '../../store/cold/publish.ts';
import type { Store } from '../../store/layout.ts';
import { decisionFile, type RememberedDecision } from '../decisions.ts';

/** Keeps a decision for the next time that the same is asked. */
export async function rememberDecision(
  store: Store,
  key: string,
  decision: RememberedDecision,
): Promise<void> {
  await publishJson(store, decisionFile(store, key), decision);
}
