import { join } from 'node:path';

/**
 * The folders of the data directory. A new revision of a format is a new folder,
 * so that versions of pip-accel can share one data directory.
 */
export interface Store {
  readonly root: string;
  /** Archives as downloaded, a folder per index; each folder works as `--find-links`. */
  readonly sources: string;
  /** Binary distributions and their manifests: the durable, shareable result of a build. */
  readonly binaries: string;
  /** Unpacked, link-ready trees; disposable, made again from their archive. */
  readonly images: string;
  /** What setup_requires named, a folder per ABI, as an old setuptools wants it; made again from images. */
  readonly eggs: string;
  /** What pip decided, by the hash of what it was asked. */
  readonly decisions: string;
  /** Which files an index has of a release, as far as somebody asked. */
  readonly releases: string;
  /** The metadata of archives as they have it themselves, by their hash. */
  readonly metadata: string;
  /** Facts of interpreters. */
  readonly interpreters: string;
  /** Our Python scripts, in folders named by their content. */
  readonly scripts: string;
  /** What is installed in environments that have not changed since it was read. */
  readonly environments: string;
  /** Output of builds. */
  readonly logs: string;
  /** Locked by whoever makes something that others wait for. */
  readonly locks: string;
  /** What was found damaged, out of use. */
  readonly damaged: string;
  /** Work in progress, on the store's own volume so that a rename publishes it. */
  readonly temporary: string;
}

export function openStore(root: string): Store {
  return {
    root,
    sources: join(root, 'sources'),
    binaries: join(root, 'binaries', 'v1'),
    images: join(root, 'images', 'v4'),
    eggs: join(root, 'eggs', 'v1'),
    decisions: join(root, 'decisions', 'v4'),
    releases: join(root, 'releases', 'v1'),
    metadata: join(root, 'metadata', 'v2'),
    interpreters: join(root, 'interpreters', 'v2'),
    scripts: join(root, 'scripts'),
    environments: join(root, 'environments', 'v2'),
    logs: join(root, 'logs'),
    locks: join(root, 'locks'),
    damaged: join(root, 'damaged'),
    temporary: join(root, 'tmp'),
  };
}
