/** Work of which so much is done at a time. */
export interface Turn<Result> {
  /** null where it was called off before it began. */
  readonly result: Promise<Result | null>;
  /** Somebody waits for it: it begins now, whatever else is going on. */
  readonly hurry: () => void;
  readonly callOff: () => void;
}

/** Begins work in the order in which it comes, and what somebody waits for at once. */
export class Lane {
  readonly #most: number;
  readonly #waiting = new Set<(isWanted: boolean) => void>();
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  enter<Result>(work: () => Promise<Result>): Turn<Result> {
    let begin: (isWanted: boolean) => void = () => {};
    const begun = new Promise<boolean>((resolve) => {
      begin = resolve;
    });
    const result = begun.then(async (isWanted) => (isWanted ? await this.#do(work) : null));
    this.#waiting.add(begin);
    this.#next();
    return {
      result,
      hurry: () => {
        if (this.#waiting.has(begin)) this.#start(begin);
      },
      callOff: () => {
        if (this.#waiting.delete(begin)) begin(false);
      },
    };
  }

  #start(begin: (isWanted: boolean) => void): void {
    this.#waiting.delete(begin);
    this.#running += 1;
    begin(true);
  }

  #next(): void {
    for (const begin of this.#waiting) {
      if (this.#running >= this.#most) return;
      this.#start(begin);
    }
  }

  async #do<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#next();
    }
  }
}
