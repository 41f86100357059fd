import type { NormalizedName, Version } from '../../../core/types.ts';
import { sourceOf } from '../../../plan/pinned/source.ts';
import { formatVersion } from '../../../python/pep440.ts';
import { findImageOf, type ImageLookup } from '../../../store/find-image.ts';
import { parallelDownloads } from '../../../obtain/cold/obtain.ts';
import { type ArchiveContext, Download } from './download.ts';
import { Lane } from './lane.ts';
import type { KnownFile } from './pages.ts';

interface Begun {
  readonly key: NormalizedName;
  readonly download: Download;
}

/** The archives that are on their way into the store, for pip or ahead of it. */
export class Archives {
  readonly #context: ArchiveContext;
  readonly #lane = new Lane(parallelDownloads);
  /** By URL. */
  readonly #begun = new Map<string, Begun>();
  #isOver = false;

  constructor(context: ArchiveContext) {
    this.#context = context;
  }

  /** What pip asks for, begun by now. */
  of(file: KnownFile): Download {
    const { url } = file.file;
    const known = this.#begun.get(url);
    if (known && !known.download.hasFailed) return known.download;
    const download = new Download(sourceOf(file), this.#context, this.#lane);
    this.#begun.set(url, { key: file.key, download });
    void this.#tellOf(file, download);
    return download;
  }

  /** pip looks at a file's metadata: it is likely to want it, and no other of its project. */
  lookedAt(file: KnownFile, lookup: ImageLookup): void {
    for (const [url, { key, download }] of this.#begun) {
      if (key !== file.key || url === file.file.url) continue;
      download.stop();
      if (download.hasFailed) this.#begun.delete(url);
    }
    if (this.#isOver || this.#begun.has(file.file.url)) return;
    const metadata = { version: formatVersion(file.version) as Version };
    const item = { key: file.key, source: sourceOf(file), metadata };
    if (!findImageOf(item, lookup)) this.of(file);
  }

  async #tellOf({ filename, key, version }: KnownFile, download: Download): Promise<void> {
    const stored = await download.ended();
    if (!stored || !filename.endsWith('.whl')) return;
    const named = { key, version: formatVersion(version) as Version };
    this.#context.arrived?.({ kind: 'wheel', ...named, ...stored });
  }

  keepOnly(urls: ReadonlySet<string>): void {
    this.#isOver = true;
    for (const [url, { download }] of this.#begun) {
      if (!urls.has(new URL(url).href)) download.stop();
    }
  }

  /** Ends what is on its way, and waits until nothing of it is left. */
  async close(): Promise<void> {
    this.#isOver = true;
    const all = [...this.#begun.values()];
    for (const { download } of all) download.stop();
    await Promise.all(all.map(async ({ download }) => await download.ended()));
  }
}
