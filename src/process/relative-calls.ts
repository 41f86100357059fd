/**
 * Calls about the files of a folder by their paths from a folder that is open, for which the kernel
 * walks a part of the way only: a fifth of its time for linking 16,000 files.
 */
export interface RelativeCalls {
  /**
   * Links files of a folder into the folder of the same path below another root (`linkat(2)`).
   *
   * @param folder its path from both roots, which are descriptors; empty for the roots themselves.
   * @returns the names of those that it could not link; why, an absolute path will tell.
   */
  readonly link: (
    roots: { readonly from: number; readonly to: number },
    folder: string,
    names: readonly string[],
  ) => readonly string[];
  /**
   * Looks at the files of a folder, not at what they link to (`statx(2)`).
   *
   * @param expected by the places of the names; seconds since 1970, whole ones.
   * @returns the places of those that are something else, or cannot be looked at.
   */
  readonly changed: (
    root: number,
    { folder, names }: { readonly folder: string; readonly names: readonly string[] },
    expected: ExpectedFiles,
  ) => readonly number[];
}

export interface ExpectedFiles {
  readonly sizes: readonly number[];
  readonly modes: readonly number[];
  readonly mtime: number;
  readonly uid: number;
}

/** null where there are none: Node has no cheap way to call the C library. */
export async function openRelativeCalls(): Promise<RelativeCalls | null> {
  // The builds know which of the two they are, and leave the other out.
  if (process.versions['bun'] === undefined) return null;
  const { relativeCalls } = await import('./cold/relative-calls-bun.ts');
  try {
    return relativeCalls();
  } catch {
    // Another C library than glibc.
    return null;
  }
}
