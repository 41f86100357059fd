import { existsSync, readFileSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import pLimit from 'p-limit';
import { errnoOf, hasErrno } from '../../core/errors.ts';
import { readManifest } from '../binaries.ts';
import { type Image, readImage, readRecordRows } from '../images.ts';
import { binaryKey } from '../key.ts';
import type { Store } from '../layout.ts';
import { recordPath, type SourceRecord } from '../sources.ts';
import { setAccessTime } from './access-time.ts';
import type { Fault } from './check-files.ts';
import { checkImages, wordsOf } from './check-images.ts';
import { digestFile } from './digest.ts';
import { namesIn } from './folders.ts';
import { setAside } from './quarantine.ts';
import { takeAway } from './take-away.ts';

/** What was found damaged, and is out of the store now. */
export interface Damage {
  readonly kind: 'source' | 'binary distribution' | 'image';
  readonly path: string;
  /** A sentence without its end. */
  readonly fault: string;
}

export interface Verified {
  readonly sources: number;
  readonly binaries: number;
  readonly images: number;
  readonly damages: readonly Damage[];
}

/** Whether a wheel has a member of the bytes of a file, whatever its RECORD says. */
export type WheelHas = (wheel: string, file: string) => Promise<boolean>;

/**
 * Checks all archives by their hashes, and all images by what is known of their files; what is damaged
 * is taken out of the store, as if it had never come there.
 *
 * @param wheelHas asked where the bytes of files are to be looked at too, by the hashes of RECORD: no
 *   installer compares these, so that a wheel may have wrong ones; null where sizes and times will do.
 */
export async function verifyStore(store: Store, wheelHas: WheelHas | null): Promise<Verified> {
  const sources = await verifyFiles(store, sourcesOf(store), sourceFault);
  const binaries = await verifyFiles(store, binariesOf(store), binaryFault);
  const images = await verifyImages(store, wheelHas);
  return {
    sources: sources.checked,
    binaries: binaries.checked,
    images: images.checked,
    damages: [sources, binaries, images].flatMap(({ damages }) => damages),
  };
}

interface Outcome {
  readonly checked: number;
  readonly damages: readonly Damage[];
}

/** An archive, and the file beside it that vouches for it. */
interface KeptFile {
  readonly kind: Damage['kind'];
  readonly archive: string;
  readonly voucher: string;
}

async function verifyFiles(
  store: Store,
  files: readonly KeptFile[],
  faultOf: (file: KeptFile) => Promise<string | null>,
): Promise<Outcome> {
  const limit = pLimit(availableParallelism());
  const damages = await Promise.all(
    files.map((file) =>
      limit(async (): Promise<Damage | null> => {
        // Between the looks at the two files others may have come into their place.
        const fault = (await faultOf(file)) && (await faultOf(file));
        if (fault === null || !existsSync(file.voucher)) return null;
        const { archive, voucher, kind } = file;
        await setAside(store, [archive, voucher], { kind, fault }, () => {});
        return { kind: file.kind, path: file.archive, fault };
      }),
    ),
  );
  return { checked: files.length, damages: damages.filter((damage) => damage !== null) };
}

function sourcesOf({ sources }: Store): readonly KeptFile[] {
  const ending = recordPath('');
  return namesIn(sources).flatMap((folder) =>
    namesIn(join(sources, folder))
      .filter((name) => name.endsWith(ending))
      .map((name) => {
        const voucher = join(sources, folder, name);
        return { kind: 'source', archive: voucher.slice(0, -ending.length), voucher };
      }),
  );
}

async function sourceFault({ archive, voucher }: KeptFile): Promise<string | null> {
  let record: SourceRecord;
  try {
    record = JSON.parse(readFileSync(voucher, 'utf8')) as SourceRecord;
  } catch (error) {
    if (!(error instanceof SyntaxError) && errnoOf(error) === null) throw error;
    return 'its record cannot be read';
  }
  return await hashFault(archive, record.sha256, 'its record');
}

function binariesOf({ binaries }: Store): readonly KeptFile[] {
  return namesIn(binaries)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      const voucher = join(binaries, name);
      const archive = voucher.replace(/\.json$/, '.tar.gz');
      return { kind: 'binary distribution', archive, voucher };
    });
}

async function binaryFault({ archive, voucher }: KeptFile): Promise<string | null> {
  const manifest = readManifest(voucher);
  if (manifest === 'absent' || manifest === 'damaged') return 'its manifest cannot be read';
  if (`${binaryKey(manifest.key)}.json` !== basename(voucher)) {
    return 'it was built for another key';
  }
  return await hashFault(archive, manifest.archive.sha256, 'its manifest');
}

async function hashFault(archive: string, expected: string, who: string): Promise<string | null> {
  try {
    const { atimeMs } = statSync(archive);
    const { sha256 } = await digestFile(archive);
    // To read it here is no use that keeps it from being pruned.
    if (statSync(archive).atimeMs !== atimeMs) setAccessTime(archive, atimeMs);
    return sha256 === expected ? null : `its sha256 is not the one that ${who} names`;
  } catch (error) {
    if (errnoOf(error) === null) throw error;
    return hasErrno(error, 'ENOENT')
      ? 'the archive is gone'
      : `it cannot be read (${errnoOf(error)})`;
  }
}

async function verifyImages(store: Store, wheelHas: WheelHas | null): Promise<Outcome> {
  const paths = namesIn(store.images).map((name) => join(store.images, name));
  const images: Image[] = [];
  const damages: Damage[] = [];
  for (const path of paths) {
    const image = readImage(path);
    if (image) images.push(image);
    else if (existsSync(path))
      damages.push({ kind: 'image', path, fault: 'its manifest cannot be read' });
  }
  const faults = await checkImages(images);
  const hashes = wheelHas && new HashCheck(store, wheelHas);
  for (const image of images) {
    const found = faults.get(image) ?? (await hashes?.faultsOf(image)) ?? [];
    // Else it was pruned meanwhile.
    if (found.length === 0 || !existsSync(image.path)) continue;
    damages.push({ kind: 'image', path: image.path, fault: wordsOf(found) });
  }
  for (const { path } of damages) await takeAway(store, path);
  return { checked: paths.length, damages };
}

type FileFault = Omit<Fault, 'image'>;

/** Reads the files of images, and compares them with RECORD. */
class HashCheck {
  readonly #limit = pLimit(availableParallelism());
  readonly #wheelHas: WheelHas;
  /** By hash. */
  readonly #wheels: ReadonlyMap<string, string>;

  constructor(store: Store, wheelHas: WheelHas) {
    this.#wheelHas = wheelHas;
    const wheels = sourcesOf(store).filter(({ archive }) => archive.endsWith('.whl'));
    this.#wheels = new Map(
      wheels.map(({ archive, voucher }) => {
        const record = JSON.parse(readFileSync(voucher, 'utf8')) as SourceRecord;
        return [record.sha256, archive];
      }),
    );
  }

  async faultsOf(image: Image): Promise<readonly FileFault[]> {
    const { distInfo } = image.manifest;
    // Not the wheel's own, which nothing is known of.
    const others = [`${distInfo}/INSTALLER`, `${distInfo}/RECORD`];
    const rows = readRecordRows(image).rows.filter(
      ([scheme, path, hash]) =>
        scheme !== null && hash.startsWith('sha256=') && !others.includes(path),
    );
    const faults = rows.map(([scheme, path, hash]) =>
      this.#limit(() => this.#faultOf(image, `${scheme}/${path}`, hash)),
    );
    return (await Promise.all(faults)).filter((fault) => fault !== null);
  }

  async #faultOf(image: Image, path: string, hash: string): Promise<FileFault | null> {
    const file = join(image.path, path);
    try {
      const { sha256 } = await digestFile(file);
      if (Buffer.from(sha256, 'hex').toString('base64url') === withoutPadding(hash)) return null;
      const [archive = ''] = basename(image.path).split('-', 1);
      const wheel = this.#wheels.get(archive);
      const isWheels = wheel !== undefined && (await this.#wheelHas(wheel, file));
      return isWheels ? null : { path, reason: 'has another sha256' };
    } catch (error) {
      if (errnoOf(error) === null) throw error;
      return { path, reason: `cannot be read (${errnoOf(error)})` };
    }
  }
}

/** The digest of `sha256=…`, as some tools pad it. */
function withoutPadding(hash: string): string {
  return hash.slice(hash.indexOf('=') + 1).replace(/=+$/, '');
}
