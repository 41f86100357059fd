/** What is done for one distribution. */
export type DistributionPhase =
  /** The page of its files is asked for, and read. */
  | 'index'
  /** What it requires is asked for. */
  | 'metadata'
  /** Its archive comes over the network, or out of a folder. */
  | 'download'
  /** Its archive is checked, and made to outlive a power cut. */
  | 'keep'
  /** Its sdist is built; what fills the environment of the build is that of others. */
  | 'build'
  | 'unpack'
  | 'compile'
  | 'link';

/** What is done for all of a line, one thing after the other. */
export type RunPhase =
  /** The Python, the configuration, the requirements and what is installed are read. */
  | 'read'
  /** By memory, by what the versions say that are pinned, or by pip. */
  | 'decide'
  /** Code is loaded, certificates are read, the gateway is opened. */
  | 'prepare'
  /** Images are looked for, and looked at. */
  | 'check'
  /** Others have what is needed. */
  | 'wait'
  /** The connection that pip wants is made. */
  | 'connect'
  /** What goes where is planned and written down, old versions are taken away. */
  | 'place'
  | 'commit'
  /** pip does the line, or what has a path or a URL. */
  | 'pip'
  /** What was learned is kept, what is over is cleared away. */
  | 'finish';

export type Phase = DistributionPhase | RunPhase;

/** A distribution, as far as it is known where the work is done. */
export type Subject =
  | { readonly name: string; readonly version: string | null }
  /** Of an archive, which tells both. */
  | { readonly filename: string };

/** Milliseconds. */
export interface Stretch {
  readonly began: number;
  readonly ended: number;
}

/** Work that has begun; it ends when it is disposed of. */
export interface Span extends Disposable {
  /** Others are at work for this one until `resume` is called. */
  pause(): void;
  resume(): void;
}

/** Keeps the time of what is done: the option `timings`. */
export interface Timings {
  /**
   * The line as a whole goes over to another phase, which ends the one that it was in.
   *
   * @param phase null while what is done is done for distributions.
   */
  enter(phase: RunPhase | null): void;
  /** The line waits for what others do, until it calls what is returned. */
  pause(): () => void;
  /** @param subject null for what is done for no distribution. */
  begin(phase: Phase, subject: Subject | null): Span;
  /**
   * What another thread has done.
   *
   * @param stretch in milliseconds since 1970, for each thread counts from its own start.
   */
  add(phase: Phase, subject: Subject, stretch: Stretch): void;
  /** For a line within this one that goes through phases of its own: what fills the environment of a build. */
  fork(): Timings;
}
