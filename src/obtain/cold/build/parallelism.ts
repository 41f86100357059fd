import { availableParallelism, totalmem } from 'node:os';

/** What a compiler takes of a large file, with room for its linker: bytes. */
const memoryOfBuild = 2 ** 30;

/** How many builds may run at a time, by cores and memory, that of a container where one is set. */
export function parallelBuilds(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.max(1, Math.min(availableParallelism(), Math.floor(memory / memoryOfBuild)));
}

/**
 * Variables by which make, CMake and Cargo share the cores with the other builds; what the user
 * has set stays. Alone, each of the latter two would take all of them.
 *
 * @param builds how many share them.
 */
export function sharedCores(
  environment: Readonly<Record<string, string>>,
  builds: number,
): Readonly<Record<string, string>> {
  const jobs = String(Math.max(1, Math.floor(availableParallelism() / Math.max(1, builds))));
  return {
    MAKEFLAGS: `-j${jobs}`,
    CMAKE_BUILD_PARALLEL_LEVEL: jobs,
    CARGO_BUILD_JOBS: jobs,
    ...environment,
  };
}
