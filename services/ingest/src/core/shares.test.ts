import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Shares, type Hold } from "./shares.ts";

const create = (most: number) => new Shares({ most, shares: { subject: 0.5, address: 0.75 } });

/** Takes holds of 1 for a subject and an address until one is refused. */
function takeAll(shares: Shares, subject: string, address = subject): { holds: Hold[]; refusal: unknown } {
  const holds: Hold[] = [];
  for (;;) {
    const hold = shares.hold();
    const refusal = hold.countFor("address", address) ?? hold.resize(1) ?? hold.countFor("subject", subject);
    if (refusal !== undefined) {
      hold.release();
      return { holds, refusal };
    }
    holds.push(hold);
  }
}

describe("shares", () => {
  it("give a subject half of the amount that others leave, however much it asks for", () => {
    const shares = create(120);
    const [a, b, c] = ["a", "b", "c"].map((subject) => takeAll(shares, subject));
    expect([a?.holds.length, b?.holds.length, c?.holds.length]).toEqual([60, 30, 15]);
    expect(a?.refusal).toBe("subject");
    for (const hold of a?.holds ?? []) hold.release();
    expect(takeAll(shares, "b").holds.length + 30).toBe(52);
  });

  it("give more to an address, which several subjects may share, and still leave a part for others", () => {
    const shares = create(100);
    const counts = ["a", "b", "c", "d"].map((subject) => takeAll(shares, subject, "one").holds.length);
    expect(counts).toEqual([50, 25, 0, 0]);
    expect(takeAll(shares, "e", "one").refusal).toBe("address");
    expect(takeAll(shares, "e", "other").holds.length).toBe(12);
  });

  it("let a holder have one hold whatever its share, while the whole has room", () => {
    const shares = create(3);
    expect(["a", "b", "c", "d"].map((subject) => takeAll(shares, subject).holds.length)).toEqual([
      1, 1, 1, 0,
    ]);
    expect(takeAll(shares, "d").refusal).toBe("all");
  });

  it("let an only hold grow to any amount, and refuse others until it has shrunk", () => {
    const shares = create(100);
    const [large, small] = [shares.hold(), shares.hold()];
    large.countFor("subject", "a");
    small.countFor("subject", "b");
    expect(large.resize(500)).toBeUndefined();
    expect(small.resize(1)).toBe("all");
    expect(large.resize(99)).toBeUndefined();
    expect(small.resize(1)).toBeUndefined();
    expect(large.resize(100)).toBe("all");
    expect(shares.sum).toBe(100);
    large.release();
    large.release();
    expect(large.resize(50)).toBeUndefined();
    expect(shares.sum).toBe(1);
  });

  it("count a growing hold against its holder's share", () => {
    const shares = create(100);
    const [one, two] = [shares.hold(), shares.hold()];
    for (const hold of [one, two]) hold.countFor("subject", "a");
    expect([one.resize(30), two.resize(20)]).toEqual([undefined, undefined]);
    expect(two.resize(21)).toBe("subject");
    expect(one.resize(10)).toBeUndefined();
    expect(two.resize(40)).toBeUndefined();
  });

  it("always leave a part to a subject without a hold, unless more subjects hold than fit", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 300 }), (subjects) => {
        const shares = create(64);
        for (const subject of subjects) {
          const hold = shares.hold();
          const refusal = hold.countFor("subject", String(subject)) ?? hold.resize(1);
          if (refusal !== undefined) hold.release();
        }
        const fresh = shares.hold();
        fresh.countFor("subject", "fresh");
        expect(fresh.resize(1)).toBeUndefined();
      }),
    );
  });
});
