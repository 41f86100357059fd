/** A parser or a reader, and what has to hold for it on any input. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  readonly dictionary: readonly (string | Buffer)[];
  /** Throws where something does not hold; `expected` errors of the code are its own affair. */
  run(input: Buffer): void | Promise<void>;
}

export function holds(condition: boolean, what: string, ...shown: readonly unknown[]): void {
  if (!condition)
    throw new Error(`${what}: ${shown.map((value) => JSON.stringify(value)).join(' ')}`);
}

export function same(left: unknown, right: unknown, what: string): void {
  const [one, other] = [plain(left), plain(right)];
  if (one !== other) throw new Error(`${what}: ${one} and ${other}`);
}

function plain(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'bigint' ? `${item}n` : item,
  );
}
