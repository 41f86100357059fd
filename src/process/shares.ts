/** A share of work: of the item at `place`, the files that, counted on, begin from `from` up to `to`. */
export interface Share {
  readonly place: number;
  readonly from: number;
  readonly to: number;
}

/** Small enough that threads end together, large enough that few read the same list. */
const filesPerShare = 500;
/** Beyond every share: nobody takes another. */
const stopped = 2 ** 30;

/** What threads take shares by: the number of the next, which structured clone leaves shared. */
export function newCounter(): SharedArrayBuffer {
  return new SharedArrayBuffer(4);
}

/**
 * The shares that nobody else has taken, one after the other. Every thread of a job runs this.
 *
 * @param counts how many files each item has.
 */
export function* takeShares(
  counts: readonly number[],
  counter: SharedArrayBuffer,
): Generator<Share, void> {
  const next = new Int32Array(counter);
  const shares = sharesOf(counts);
  for (let at = Atomics.add(next, 0, 1); at < shares.length; at = Atomics.add(next, 0, 1)) {
    const share = shares[at];
    if (share) yield share;
  }
}

/** Lets every thread end with the share that it has. */
export function stopSharing(counter: SharedArrayBuffer): void {
  Atomics.store(new Int32Array(counter), 0, stopped);
}

function sharesOf(counts: readonly number[]): readonly Share[] {
  const shares: Share[] = [];
  for (const [place, files] of counts.entries()) {
    let from = 0;
    do {
      shares.push({ place, from, to: from + filesPerShare });
      from += filesPerShare;
    } while (from < files);
  }
  return shares;
}
