/** The kinds of holder between which an amount is shared out: each subject has a share, and so has each address. */
export type HolderKind = "subject" | "address";

/** The limit that refused a hold: the whole amount is held, or its holder's share is. */
export type Refusal = "all" | HolderKind;

/** The amount to share out, and the largest fraction that one holder may have of the amount that all others leave. */
export interface SharesOptions {
  most: number;
  shares: Readonly<Record<HolderKind, number>>;
}

/** A part of the whole, such as one request's slot or one body's bytes. */
export interface Hold {
  /** Counts the hold for a holder, too. A refused hold is not counted for that holder. */
  countFor(kind: HolderKind, name: string): Refusal | undefined;
  /** Sets the amount of the hold; a refused hold keeps its amount. */
  resize(amount: number): Refusal | undefined;
  /** Returns the amount for good. Repeated calls have no effect. */
  release(): void;
}

/**
 * Shares out a bounded amount. A holder may have at most its fraction of the amount that all others leave: with a
 * fraction of one half, a single holder gets half of the whole, two holders get a third each, and a part is always left
 * for the next one. A holder's only hold needs no share, and the only hold of all always fits.
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

  /** Compares a holder's total, with the new amount of one hold, with its share of the amount that others leave. */
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
