/** Numbers that are the same in every run (mulberry32): from 0 to below 1. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const longestInput = 4096;

/** Makes inputs out of others: bits, bytes, numbers, words of a dictionary, parts of itself and of a neighbour. */
export class Mutator {
  readonly #random: () => number;
  readonly #words: readonly Buffer[];

  constructor(random: () => number, dictionary: readonly (string | Buffer)[]) {
    this.#random = random;
    this.#words = dictionary.map((word) => Buffer.from(word));
  }

  mutate(input: Buffer, neighbour: Buffer): Buffer {
    let output = input;
    for (let times = 1 + this.#below(4); times > 0; times -= 1) {
      output = this.#once(output, neighbour);
    }
    return output.subarray(0, longestInput);
  }

  #once(input: Buffer, neighbour: Buffer): Buffer {
    const [from, to] = this.#span(input.length);
    switch (this.#below(9)) {
      case 0:
        return this.#changed(input, (bytes, at) =>
          bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << this.#below(8)), at),
        );
      case 1:
        return this.#changed(input, (bytes, at) => bytes.writeUInt8(this.#below(256), at));
      case 2:
        return this.#changed(input, (bytes, at) => {
          const number = this.#pick([0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0xffffffff]);
          if (at + 4 <= bytes.length) bytes.writeUInt32LE(number, at);
        });
      case 3:
        return splice(input, [from, to], Buffer.alloc(0));
      case 4:
        return splice(input, [from, from], input.subarray(from, to));
      case 5: {
        const [start, end] = this.#span(neighbour.length);
        return splice(input, [from, to], neighbour.subarray(start, end));
      }
      case 6:
        return splice(input, [from, from], this.#pick(this.#words));
      case 7:
        return splice(input, [from, to], this.#pick(this.#words));
      default: {
        const word = input.subarray(from, Math.min(to, from + 16));
        return splice(
          input,
          [to, to],
          Buffer.concat(Array.from({ length: 1 + this.#below(64) }, () => word)),
        );
      }
    }
  }

  #changed(input: Buffer, change: (bytes: Buffer, at: number) => void): Buffer {
    if (input.length === 0) return input;
    const bytes = Buffer.from(input);
    change(bytes, this.#below(bytes.length));
    return bytes;
  }

  /** Mostly short. */
  #span(length: number): [number, number] {
    const from = this.#below(length + 1);
    return [from, Math.min(length, from + this.#below(this.#below(4) === 0 ? length + 1 : 12))];
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)] as Item;
  }
}

function splice(input: Buffer, [from, to]: readonly [number, number], middle: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, from), middle, input.subarray(to)]);
}
