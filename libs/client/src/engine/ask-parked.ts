import { move } from "../core/draft.ts";
import type { Operation } from "../core/rows.ts";
import type { Attempt } from "./engine-context.ts";

/**
 * Has parked operations ask again, by being sent again: the server answers with the recorded result. A decision for
 * the server's document leaves no change in the feed, so that only this finds it.
 */
export async function askParked(attempt: Attempt, which: (operation: Operation) => boolean): Promise<void> {
  const isAsked = (operation: Operation) => operation.state === "parked" && which(operation);
  if (![...attempt.mirror.outbox.values()].some(isAsked)) return;
  await attempt.commit((draft) => {
    for (const operation of draft.outbox.values()) if (isAsked(operation)) move(draft, operation, "askAgain");
  });
}
