/** Those between whom something is shared out: each subject has a share, and so has each address. */
export type HolderKind = "subject" | "address";

/** The reason why a hold cannot have what it asks for: all is held, or its holder's share is. */
export type Refusal = "all" | HolderKind;

/** What is shared out, and the most of it that one holder may have: a fraction of what all others leave. */
export interface SharesOptions {
  most: number;
  shares: Readonly<Record<HolderKind, number>>;
}

/** Something of the whole, such as one request's place or one body's bytes. */
export interface Hold {
  /** Counts the hold for a holder besides; it may be refused, and then counts for nobody new. */
  countFor(kind: HolderKind, name: string): Refusal | undefined;
  /** Sets how much it is; a refused hold stays as large as it was. */
  resize(amount: number): Refusal | undefined;
  /** Gives it back, for good. More than once does no harm. */
  release(): void;
}

/**
 * Shares out a bounded amount of something. Every holder may have at most its fraction of what all others leave: with a
 * fraction of a half, one that is alone gets half of all, two a third each, and something is always left for whoever
 * comes next. A holder's only hold needs no share, and a hold that is the only one of all always fits.
 */
export class Shares {
  readonly #options: SharesOptions;
  readonly #heldBy: Readonly<Record<HolderKind, Map<string, number>>> = {
    subject: new Map(),
    address: new Map(),
  };
  #sum = 0;

  constructor(options: SharesOptions) {
    this.#options = options;
  }

  get sum(): number {
    return this.#sum;
  }

  hold(): Hold {
    let held = 0;
    let released = false;
    const holders: [HolderKind, string][] = [];
    const add = (change: number) => {
      this.#sum += change;
      held += change;
      for (const [kind, name] of holders) this.#add(kind, name, change);
    };
    return {
      countFor: (kind, name) => {
        if (released) return undefined;
        const refusal = this.#refusalOf(kind, { otherHolds: this.#of(kind, name), held, amount: held });
        if (refusal !== undefined) return refusal;
        holders.push([kind, name]);
        this.#add(kind, name, held);
        return undefined;
      },
      resize: (amount) => {
        if (released) return undefined;
        const others = this.#sum - held;
        if (others > 0 && others + amount > this.#options.most) return "all";
        for (const [kind, name] of amount > held ? holders : []) {
          const refusal = this.#refusalOf(kind, {
            otherHolds: this.#of(kind, name) - held,
            held,
            amount,
          });
          if (refusal !== undefined) return refusal;
        }
        add(amount - held);
        return undefined;
      },
      release: () => {
        if (!released) add(-held);
        released = true;
      },
    };
  }

  /** Compares all holds of a holder, one of them with a new amount, with the share of what others leave. */
  #refusalOf(
    kind: HolderKind,
    { otherHolds, held, amount }: { otherHolds: number; held: number; amount: number },
  ): Refusal | undefined {
    if (otherHolds === 0) return undefined;
    const { most, shares } = this.#options;
    const left = most - (this.#sum - held - otherHolds);
    return otherHolds + amount > shares[kind] * left ? kind : undefined;
  }

  #of(kind: HolderKind, name: string): number {
    return this.#heldBy[kind].get(name) ?? 0;
  }

  #add(kind: HolderKind, name: string, change: number): void {
    const sum = this.#of(kind, name) + change;
    if (sum === 0) this.#heldBy[kind].delete(name);
    else this.#heldBy[kind].set(name, sum);
  }
}
