let known: number | undefined;

/**
 * The process's umask, asked for once. The kernel tells it only when it is set, so that a file
 * that another thread makes at that moment would get every permission.
 */
export function umask(): number {
  known ??= process.umask();
  return known;
}
