import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import type { PipOptions } from '../config/pip-config.ts';
import { hasErrno } from '../core/errors.ts';
import type { Interpreter } from '../core/types.ts';
import { isExternallyManaged } from '../python/interpreter.ts';

/**
 * Why pip has to do a whole line itself, with its own words; null where it need not. Looked at
 * before pip is asked anything.
 */
export function handOverReason(options: PipOptions, interpreter: Interpreter): string | null {
  if (options.handOver !== null) return options.handOver;
  if (process.platform === 'win32') return 'Windows';
  if (options.flag('require-virtualenv') && !interpreter.isVirtualEnvironment) {
    return 'an environment that is not virtual';
  }
  if (isExternallyManaged(interpreter) && !options.flag('break-system-packages')) {
    return 'an externally managed Python';
  }
  const { purelib, platlib } = interpreter.scheme;
  if (![...new Set([purelib, platlib])].every(isWritable))
    return 'an environment that cannot be written';
  return null;
}

/** pip tests by creating a file; a folder that does not exist yet counts by its nearest parent. */
function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch (error) {
    return hasErrno(error, 'ENOENT') && folder !== dirname(folder) && isWritable(dirname(folder));
  }
}
