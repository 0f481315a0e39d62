/** What one body takes of the memory for all. */
export interface BodyBytes {
  /**
   * Counts so many from now on, in place of what it counted before.
   * @returns whether they fit beside the others'; if not, it counts what it did
   */
  count(bytes: number): boolean;
  /** Gives them back, for good. */
  release(): void;
}

/** The bytes of all bodies that are under way: so many at most, but one that is alone always fits. */
export class BytesUnderWay {
  readonly #bytesMax: number;
  #sum = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(): BodyBytes {
    let counted = 0;
    let released = false;
    return {
      count: (bytes) => {
        const others = this.#sum - counted;
        if (released || (others > 0 && others + bytes > this.#bytesMax)) return false;
        this.#sum = others + bytes;
        counted = bytes;
        return true;
      },
      release: () => {
        if (!released) this.#sum -= counted;
        released = true;
      },
    };
  }
}
