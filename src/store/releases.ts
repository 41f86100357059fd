import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NormalizedName } from '../core/types.ts';
import type { Store } from './layout.ts';

/** A file of a release, as a page of an index or a folder has it (PEP 503, 592, 658, 691). */
export interface ReleaseFile {
  /** Absolute and quoted as pip quotes it, without credentials and fragment. */
  readonly url: string;
  /** Digests by algorithm, in the page's order. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly requiresPython: string | null;
  /** The reason, which may be empty; null where it is not yanked. */
  readonly yanked: string | null;
  /** Bytes; null where the page does not say it. */
  readonly size: number | null;
  /** The digests of the metadata file beside it, none where the page has none for it; null: there is no such file. */
  readonly metadata: Readonly<Record<string, string>> | null;
}

/** A release of a project, at one place where pip looks for files. */
export interface ReleaseName {
  /** Stands for the place: the first 16 digits of the sha256 of its URL without credentials. */
  readonly place: string;
  readonly key: NormalizedName;
  /** As `publicVersion` spells it: files of `1.0` and of `1.0+cpu` belong to one release. */
  readonly version: string;
}

interface StoredRelease {
  readonly format: 1;
  /** In the page's order. */
  readonly files: readonly ReleaseFile[];
}

export function releaseFile(store: Store, { place, key, version }: ReleaseName): string {
  return join(store.releases, place, key, `${version}.json`);
}

export function releaseText(files: readonly ReleaseFile[]): string {
  return JSON.stringify({ format: 1, files } satisfies StoredRelease);
}

/** The files of a release, none where the place has none of it; null where nobody asked yet. */
export function readRelease(store: Store, name: ReleaseName): readonly ReleaseFile[] | null {
  try {
    const release = JSON.parse(readFileSync(releaseFile(store, name), 'utf8')) as StoredRelease;
    return release.format === 1 && Array.isArray(release.files) ? release.files : null;
  } catch {
    return null;
  }
}
