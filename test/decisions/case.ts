import type { Manners } from '../gateway/wheel-index.ts';
import type { Projects } from './releases.ts';

/**
 * The indexes of a state of the world, by name; those whose names begin with `folder` are folders
 * of archives. What a release requires by URL is on an index that comes before its own.
 */
export type World = Readonly<Record<string, Projects>>;

/**
 * What is asked of pip and of pip-accel alike. In all texts `{root}` is the folder of the run,
 * `{main}` the URL of the index of that name, `{file:main/NAME}` that of a file of it,
 * `{hash:main/NAME}` the sha256 that this file had at first, and the name of a folder its path.
 */
export interface Case {
  readonly name: string;
  readonly world: World;
  /** What the same names stand for later; where nothing is said, `laterWorld` tells. */
  readonly later?: World;
  /** The words after `install`. */
  readonly words: readonly string[];
  /** Below `{root}`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  /** pip's configuration file, which then has to name the index, too. */
  readonly configuration?: string;
  /** Words of an installation that came before. */
  readonly before?: readonly string[];
  readonly manners?: Partial<
    Pick<Manners, 'form' | 'metadata' | 'etags' | 'cacheControl' | 'hash'>
  >;
  /**
   * All versions are pinned, so what the store has holds whatever the index says later: the later
   * world has other addresses.
   */
  readonly isPinned?: boolean;
}

/**
 * Another index behind the same names: projects of several releases have lost their newest,
 * those of one release have a newer one, and all files have other bytes.
 */
export function laterWorld(world: World): World {
  return Object.fromEntries(
    Object.entries(world).map(([index, projects]) => [
      index,
      Object.fromEntries(
        Object.entries(projects).map(([name, releases]) => {
          const all = Object.entries(releases);
          const [[, only] = ['', []]] = all;
          const changed = all.length > 1 ? all.slice(0, -1) : [...all, ['99.0', only] as const];
          return [name, Object.fromEntries(changed)];
        }),
      ),
    ]),
  );
}
