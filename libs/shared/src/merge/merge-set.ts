import type { Json } from "../json/json.ts";
import { mergeOrder } from "./merge-order.ts";
import type { EditedSides, Side } from "./sides.ts";
import { createTokenizer } from "./tokenize-items.ts";

/**
 * Merges arrays that are sets: what either side added is in, what either side removed is out, and nothing is in twice.
 * There is nothing to overlap; `prefer` only has a say in the order.
 *
 * @param sides - no `ancestor` makes the merge two-way: then nothing counts as removed.
 */
export function mergeSet({ ancestor, remote, local }: EditedSides<readonly Json[]>, prefer: Side): Json[] {
  const tokenize = createTokenizer();
  const itemByToken = new Map<number, Json>();
  const collect = (items: readonly Json[]) => {
    const { tokens } = tokenize(items);
    tokens.forEach((token, index) => itemByToken.set(token, items[index] ?? null));
    return new Set(tokens);
  };
  const [inAncestor, inRemote, inLocal] = [ancestor && collect(ancestor), collect(remote), collect(local)];
  const { order } = mergeOrder(
    { ancestor: inAncestor && [...inAncestor], remote: [...inRemote], local: [...inLocal] },
    prefer,
  );
  const stays = (token: number) => !inAncestor?.has(token) || (inRemote.has(token) && inLocal.has(token));
  return order.filter(stays).map((token) => itemByToken.get(token) ?? null);
}
