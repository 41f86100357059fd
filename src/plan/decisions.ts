import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Decided, NormalizedName } from '../core/types.ts';
import type { Store } from '../store/layout.ts';

/** A line of pip's that is said again: as it stands, or around the place where a distribution is installed. */
export type KeptLine = string | readonly [before: string, key: NormalizedName, after: string];

/** A page of an index, as it was when a decision was made by it. */
export interface ConsultedPage {
  readonly url: string;
  readonly status: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Of its bytes as they came, hexadecimal. */
  readonly sha256: string;
}

/** What pip answered to one request, and what follows from it. */
export interface RememberedDecision {
  readonly format: 4;
  /** In the order of installation, with the names as messages spell them. */
  readonly items: readonly { readonly decided: Decided; readonly spelling: string }[];
  /** What pip warns of afterwards; null where all is well. */
  readonly conflicts: string | null;
  /**
   * What pip says when the decision is taken from memory; null where it was told to be quiet when
   * it decided.
   */
  readonly lines: readonly KeptLine[] | null;
  /** What it says to the standard error then; null where it was not to warn when it decided. */
  readonly warnings: readonly string[] | null;
  /** The requirement files as `lines` name them; the next time they may lie elsewhere. */
  readonly files: readonly string[];
  /** No index can change it. */
  readonly pinned: boolean;
  /** What it rests on beside the request, which may be nothing; null where that is not known. */
  readonly pages: readonly ConsultedPage[] | null;
  /** For how many seconds the pages hold by their index's word. */
  readonly freshSeconds: number;
  /** When it was made, or its pages were last seen to be the same: milliseconds since 1970. */
  readonly time: number;
}

/** Where the decision on a request is kept. */
export function decisionFile(store: Store, key: string): string {
  return join(store.decisions, key.slice(0, 2), `${key}.json`);
}

/** The decision on a request, or null where there is none that can be read. */
export function recallDecision(store: Store, key: string): RememberedDecision | null {
  try {
    const decision = JSON.parse(
      readFileSync(decisionFile(store, key), 'utf8'),
    ) as RememberedDecision;
    const isWhole = Array.isArray(decision.files) && decision.warnings !== undefined;
    return decision.format === 4 && isWhole ? decision : null;
  } catch {
    return null;
  }
}

/** Whether a decision holds without a look at the index. */
export function isFresh(
  decision: RememberedDecision,
  limits: { readonly now: number; readonly maxAgeSeconds: number | null },
): boolean {
  const age = limits.now - decision.time;
  const seconds = limits.maxAgeSeconds ?? decision.freshSeconds;
  // A clock that was set back would make it young for ever.
  return decision.pinned || decision.pages?.length === 0 || (age >= 0 && age <= seconds * 1000);
}
