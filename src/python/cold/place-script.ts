import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../core/sha256.ts';
import { publishText } from '../../store/cold/publish.ts';
import type { Store } from '../../store/layout.ts';

/**
 * The path of one of our Python scripts, whose text is part of this program: in a folder of the
 * data directory that is named by its content, so that versions of pip-accel do not meet, and
 * that holds nothing else, because Python puts it on `sys.path`.
 */
export async function placeScript(store: Store, name: string, text: string): Promise<string> {
  const folder = sha256(text).slice(0, 16);
  const path = join(store.scripts, folder, name);
  if (!existsSync(path)) await publishText(store, path, text);
  return path;
}
