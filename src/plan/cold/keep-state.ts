import type { Interpreter } from '../../core/types.ts';
import { publishJson } from '../../store/cold/publish.ts';
import type { Store } from '../../store/layout.ts';
import { type KeptState, stateFile } from '../installed-state.ts';

/** Keeps what is installed for the next time that it is asked. */
export async function keepState(
  store: Store,
  interpreter: Interpreter,
  state: KeptState,
): Promise<void> {
  await publishJson(store, stateFile(store, interpreter), state);
}
