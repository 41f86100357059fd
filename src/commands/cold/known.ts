import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DistributionMetadata, NormalizedName, Source, Version } from '../../core/types.ts';
import { readMetadata } from '../../plan/installed.ts';
import { linksOf, type ParsedPage } from '../../obtain/cold/index/page.ts';
import { filenameOf, plainNameOf, readArchiveName } from '../../plan/pinned/filename.ts';
import { folderFiles, listNames, localFile, sortLocal } from '../../plan/pinned/folder.ts';
import type { Place } from '../../plan/pinned/places.ts';
import { sourceOf } from '../../plan/pinned/source.ts';
import type { ChosenFile, FileFacts, FilesAnswer, Knowledge } from '../../plan/pinned/resolve.ts';
import { parseMetadata } from '../../python/metadata.ts';
import { formatVersion, parseVersion, publicVersion } from '../../python/pep440.ts';
import { archiveOf, findImageOf, type SoughtArchive } from '../../store/find-image.ts';
import { hasImage, type Image } from '../../store/images.ts';
import { readStoredMetadata } from '../../store/metadata.ts';
import { readRelease, type ReleaseFile } from '../../store/releases.ts';
import { findSource } from '../../store/sources.ts';
import type { InstallJob } from '../job.ts';
import { imageLookup } from '../sound-images.ts';

/** What this run has learned, beside what the store knows. */
export interface Learned {
  /** By place and project. */
  readonly pages: Map<string, ParsedPage>;
  /** Those of them that belong to one release, by place, project and version. */
  readonly releases: Map<string, readonly ReleaseFile[]>;
  /** By URL. */
  readonly facts: Map<string, FileFacts>;
}

export function pageName(place: string, key: NormalizedName): string {
  return `${place}/${key}`;
}

/** What folders, the store and this run tell of files. */
export function knowledgeOf(
  job: InstallJob,
  places: readonly Place[],
  learned: Learned,
): Knowledge {
  const folders = new Map<string, readonly string[]>();
  return {
    filesOf: (key, version) => filesOf({ job, places, learned, folders }, key, version),
    isAtHand: (file) => isAtHand(job, file),
    factsOf: (file) => learned.facts.get(file.candidate.file.url) ?? factsOf(job, file),
    metadataOf: ({ metadataPath }) => readMetadata(metadataPath),
  };
}

interface Shelf {
  readonly job: InstallJob;
  readonly places: readonly Place[];
  readonly learned: Learned;
  /** The names in each folder, listed once. */
  readonly folders: Map<string, readonly string[]>;
}

function filesOf(shelf: Shelf, key: NormalizedName, version: string): FilesAnswer {
  const pip = shelf.job.context.interpreter.pip?.version ?? '';
  const local: ReleaseFile[] = [];
  const listed: ReleaseFile[] = [];
  let isStored = false;
  for (const place of shelf.places) {
    switch (place.kind) {
      case 'folder': {
        const names = shelf.folders.get(place.path) ?? listNames(place.path);
        shelf.folders.set(place.path, names);
        const files = folderFiles(names, place.path, { key, pip });
        if (files === null) return { outcome: 'strange', reason: `pages in ${place.path}` };
        local.push(...files);
        break;
      }
      case 'archive':
        local.push(localFile(place.path));
        break;
      case 'index':
      case 'page': {
        const release = { key, version, pip };
        const fetched = learnedFiles(shelf.learned, place.id, release);
        const files = fetched ?? storedFiles(shelf.job, place.id, release);
        if (files === null) return { outcome: 'unknown' };
        listed.push(...files);
        isStored ||= fetched === null && !shelf.job.context.settings.offline;
        break;
      }
      default:
        place satisfies never;
    }
  }
  return { outcome: 'files', files: [...sortLocal(local), ...listed], isStored };
}

function storedFiles(
  { context, options }: InstallJob,
  place: string,
  { key, version }: { readonly key: NormalizedName; readonly version: string },
): readonly ReleaseFile[] | null {
  // Who upgrades wants to know what there is now.
  if (options.flag('upgrade') && !context.settings.offline) return null;
  return readRelease(context.store, { place, key, version });
}

interface SoughtRelease {
  readonly key: NormalizedName;
  readonly version: string;
  /** pip's version. */
  readonly pip: string;
}

/**
 * The files of a page that belong to one release, and those that may; null where the page was not
 * fetched.
 *
 * @throws UnclearPage for a page that only pip can read
 */
export function learnedFiles(
  { pages, releases }: Learned,
  place: string,
  sought: SoughtRelease,
): readonly ReleaseFile[] | null {
  const name = pageName(place, sought.key);
  const known = releases.get(`${name}/${sought.version}`);
  if (known) return known;
  const page = pages.get(name);
  if (!page) return null;
  const files = releaseFiles(page, sought);
  releases.set(`${name}/${sought.version}`, files);
  return files;
}

function releaseFiles(
  page: ParsedPage,
  { key, version, pip }: SoughtRelease,
): readonly ReleaseFile[] {
  const isSought = new Map<string, boolean>();
  const mayBeOfRelease = (address: string): boolean => {
    const written = plainNameOf(address)?.version;
    if (written === undefined) return true;
    const known = isSought.get(written);
    if (known !== undefined) return known;
    const parsed = parseVersion(written);
    const isOfRelease = parsed === null || publicVersion(parsed) === version;
    isSought.set(written, isOfRelease);
    return isOfRelease;
  };
  return linksOf(page, mayBeOfRelease).links.flatMap(({ file }) => {
    const name = readArchiveName(filenameOf(file.url), key, pip);
    const isMeant = name === 'unclear' || (name && publicVersion(name.version) === version);
    return isMeant ? [file] : [];
  });
}

/** Whether the store has the image of a file, or what the image is made of. */
function isAtHand(job: InstallJob, file: ChosenFile): boolean {
  const { store } = job.context;
  const lookup = imageLookup(job);
  const source = sourceOf(file.candidate);
  const archive = archiveOf(soughtArchive(file, source), lookup);
  if (archive === null) return false;
  if (hasImage(store, archive, lookup.target)) return true;
  return archive.kind === 'binary'
    ? existsSync(archive.path)
    : findSource(store, source, lookup) !== null;
}

function soughtArchive({ key, candidate }: ChosenFile, source: Source): SoughtArchive {
  return { key, metadata: { version: formatVersion(candidate.version) as Version }, source };
}

/** What the store knows of a file: by itself, or by what was built of it. */
function factsOf(job: InstallJob, file: ChosenFile): FileFacts | null {
  const { store } = job.context;
  const lookup = imageLookup(job);
  const source = sourceOf(file.candidate);
  const sha256 = source.sha256 ?? findSource(store, source, lookup)?.sha256 ?? null;
  if (sha256 === null) return null;
  const item = soughtArchive(file, { ...source, sha256 });
  const archive = archiveOf(item, lookup);
  if (!archive) return null;
  const known = readStoredMetadata(store, archive.sha256);
  if (known) return { metadata: known, sha256 };
  const image = findImageOf(item, lookup);
  return image && { metadata: imageMetadata(image), sha256 };
}

export function imageMetadata({ path, manifest }: Image): DistributionMetadata {
  const { root, distInfo } = manifest;
  return parseMetadata(readFileSync(join(path, root, distInfo, 'METADATA'), 'utf8'));
}
