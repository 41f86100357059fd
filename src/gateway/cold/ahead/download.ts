import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasErrno, PipAccelError } from '../../../core/errors.ts';
import type { Archive, Source } from '../../../core/types.ts';
import type { Answer, Network } from '../../../obtain/cold/request.ts';
import { type DownloadContext, obtainSource } from '../../../obtain/cold/download.ts';
import type { StoredSource } from '../../../store/sources.ts';
import type { GatewayResponse, HeaderFields } from '../exchange.ts';
import type { Lane, Turn } from './lane.ts';

const chunkBytes = 256 << 10;

/** How archives come into the store. */
export interface ArchiveContext extends Omit<DownloadContext, 'transport' | 'reader'> {
  /** @param signal ends what is on its way. */
  readonly openNetwork: (signal: AbortSignal) => Network;
  /**
   * Milliseconds for which pip is kept waiting for an archive's first byte, fewer than it waits
   * itself: whoever else fetches the archive may take longer.
   */
  readonly patience: number;
  /** Told of wheels that pip most likely wants, when they are in the store. */
  readonly arrived?: (wheel: Archive) => void;
}

type Outcome =
  | { readonly kind: 'stored'; readonly stored: StoredSource }
  | { readonly kind: 'failed'; readonly error: unknown };

/** An archive on its way into the store, which can be read as it comes. */
export class Download {
  readonly #turn: Turn<void>;
  readonly #patience: number;
  readonly #aborter = new AbortController();
  readonly #source: Source;
  readonly #changes = new Set<() => void>();
  #headers: HeaderFields | null = null;
  #path: string | null = null;
  #size = 0;
  #outcome: Outcome | null = null;
  #readers = 0;

  constructor(source: Source, context: ArchiveContext, lane: Lane) {
    this.#source = source;
    this.#patience = context.patience;
    this.#turn = lane.enter(async () => {
      await this.#obtain(context);
    });
  }

  get hasFailed(): boolean {
    return this.#outcome?.kind === 'failed';
  }

  /** When nothing of it is on its way any more; null where it did not come into the store. */
  async ended(): Promise<StoredSource | null> {
    await this.#turn.result;
    return this.#outcome?.kind === 'stored' ? this.#outcome.stored : null;
  }

  /** Nobody wants it any more, unless pip reads it just now. */
  stop(): void {
    if (this.#readers > 0) return;
    const error = new PipAccelError('interrupted', `${this.#source.filename} is not wanted`);
    this.#turn.callOff();
    this.#aborter.abort(error);
    this.#outcome ??= { kind: 'failed', error };
    this.#tell();
  }

  /** The archive in the store. @throws PipAccelError as `obtainSource` does */
  async stored(): Promise<StoredSource> {
    this.#readers += 1;
    this.#turn.hurry();
    try {
      while (this.#outcome === null) await this.#change();
    } finally {
      this.#readers -= 1;
    }
    if (this.#outcome.kind === 'failed') throw this.#outcome.error;
    return this.#outcome.stored;
  }

  /**
   * The archive as an answer to pip; null where pip had better ask the index itself.
   *
   * @param signal aborted when who asked is gone: the file is given back then, read or not.
   */
  async respond(signal: AbortSignal): Promise<GatewayResponse | null> {
    let handle: FileHandle | null = null;
    let isOver = false;
    const end = async (): Promise<void> => {
      if (isOver) return;
      isOver = true;
      this.#readers -= 1;
      await handle?.close();
    };
    this.#readers += 1;
    let answer: GatewayResponse | null = null;
    try {
      this.#turn.hurry();
      handle = await this.#opened(signal);
      answer = handle && (await this.#answer(handle, end));
      signal.throwIfAborted();
    } catch (error) {
      await end();
      throw error;
    }
    if (answer) signal.addEventListener('abort', () => void end(), { once: true });
    else await end();
    return answer;
  }

  async #obtain({ openNetwork, ...context }: ArchiveContext): Promise<void> {
    const transport = openNetwork(this.#aborter.signal);
    const reader = {
      signal: this.#aborter.signal,
      answered: (headers: Answer['headers']) => {
        this.#headers = headers as HeaderFields;
        this.#size = 0;
      },
      grew: (path: string, size: number) => {
        this.#path = path;
        this.#size = size;
        this.#tell();
      },
    };
    try {
      const stored = await obtainSource(this.#source, { ...context, transport, reader });
      this.#outcome ??= { kind: 'stored', stored };
    } catch (error) {
      this.#outcome ??= { kind: 'failed', error };
    }
    this.#tell();
  }

  /** The file as it comes; null where it does not, or not soon. */
  async #opened(signal: AbortSignal): Promise<FileHandle | null> {
    const late = sleep(this.#patience, null, { signal, ref: false }).catch(() => null);
    while (this.#path === null && this.#outcome === null) {
      const hasChanged = await Promise.race([this.#change().then(() => true), late]);
      if (hasChanged === null) return null;
    }
    const outcome = this.#outcome;
    if (outcome?.kind === 'failed') return null;
    try {
      return await open(outcome ? outcome.stored.path : (this.#path ?? ''), 'r');
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error;
      // It was renamed meanwhile.
      const stored = await this.stored().catch(() => null);
      return stored && (await open(stored.path, 'r'));
    }
  }

  async #answer(handle: FileHandle, end: () => Promise<void>): Promise<GatewayResponse> {
    const said = this.#headers;
    if (said) {
      const length = Number(said['content-length'] ?? Number.NaN);
      return { status: 200, headers: said, body: this.#follow(handle, length, end) };
    }
    const { size } = await handle.stat();
    this.#size = size;
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(size),
      // Not what the index said, which nobody asked.
      'cache-control': 'no-store',
    };
    return { status: 200, headers, body: this.#follow(handle, size, end) };
  }

  /** @param length NaN where it is not known. */
  async *#follow(
    handle: FileHandle,
    length: number,
    end: () => Promise<void>,
  ): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at !== length; ) {
        const size = Math.min(chunkBytes, this.#size - at);
        const outcome = this.#outcome;
        if (size > 0) {
          const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, at);
          at += bytesRead;
          if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
          // It was cut off just now, to begin anew.
          else await this.#change();
        } else if (outcome === null) {
          await this.#change();
        } else {
          // Of wrong bytes pip says what there is to say.
          if (outcome.kind === 'failed' && !isMismatch(outcome.error)) throw outcome.error;
          return;
        }
      }
    } finally {
      await end();
    }
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => this.#changes.add(resolve));
  }

  #tell(): void {
    for (const resolve of this.#changes) resolve();
    this.#changes.clear();
  }
}

function isMismatch(error: unknown): boolean {
  return error instanceof PipAccelError && error.code === 'hash-mismatch';
}
