/** What only the C library can do: `cold/libc-node.ts` and `cold/libc-bun.ts` have it. */
export interface Libc {
  /** Lets the program that takes this one's place find a descriptor open. */
  readonly keepOpen: (descriptor: number) => void;
  /** Returns only where it fails. */
  readonly execve: (file: string, argv: readonly string[], variables: readonly string[]) => void;
  /** `flock(2)`; tells the number of the error, 0 where it worked. */
  readonly flock: (descriptor: number, operation: number) => number;
}

let opened: Promise<Libc | null> | undefined;

/** null where there is no library for this platform. */
export async function openLibc(): Promise<Libc | null> {
  return await (opened ??= load());
}

async function load(): Promise<Libc | null> {
  try {
    // The builds know which of the two they are, and leave the other out.
    return process.versions['bun'] === undefined
      ? (await import('./cold/libc-node.ts')).libc()
      : (await import('./cold/libc-bun.ts')).libc();
  } catch {
    return null;
  }
}
