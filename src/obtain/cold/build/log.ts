import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../../store/cold/folders.ts';
import type { Store } from '../../../store/layout.ts';

/** The file that takes the output of one build; it is kept, whatever becomes of the build. */
export interface BuildLog {
  readonly path: string;
  /** For children to write to. */
  readonly descriptor: number;
  readonly write: (text: string) => Promise<void>;
  readonly read: () => Promise<string>;
  readonly close: () => Promise<void>;
}

/** Never opens what is there already, so that no planted link is followed. */
export async function openLog(store: Store, name: string, version: string): Promise<BuildLog> {
  await makeFolder(store, store.logs);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const path = join(store.logs, `${name}-${version}-${time}-${randomBytes(3).toString('hex')}.log`);
  const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return {
    path,
    descriptor: handle.fd,
    write: async (text) => {
      await handle.write(text);
    },
    read: () => readFile(path, 'utf8'),
    close: () => handle.close(),
  };
}

/** What compilers, linkers, Python and build systems begin or mark their errors with. */
const telling =
  /(^|[\s:])(fatal )?error(\[\w+\])?:|^\w*(Error|Exception)\b|undefined reference|cannot find -l|command not found|No such file or directory|not found/;
/** Python says these of us, not of the project. */
const noise = /^\s*(File "|Traceback |During handling )|DeprecationWarning|^\(ended with /;
const maximumLines = 12;

/**
 * The lines of a build's output that tell why it failed: those that read like errors, the last
 * of them; where there are none, the last lines.
 */
export function excerpt(output: string): string[] {
  const lines = output
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== '' && !line.startsWith('$ ') && !noise.test(line));
  const errors = [...new Set(lines.filter((line) => telling.test(line)))];
  return (errors.length > 0 ? errors : lines).slice(-maximumLines);
}
