import { move } from "../core/draft.ts";
import type { Operation } from "../core/rows.ts";
import type { Attempt } from "./engine-context.ts";

/**
 * Has parked operations ask again, by being sent again: the server answers with the recorded result. The feed tells of
 * decisions; this finds one that the feed was not asked for, such as one of before a snapshot.
 */
export async function askParked(attempt: Attempt, which: (operation: Operation) => boolean): Promise<void> {
  const isAsked = (operation: Operation) => operation.state === "parked" && which(operation);
  if (![...attempt.mirror.outbox.values()].some(isAsked)) return;
  await attempt.commit((draft) => {
    for (const operation of draft.outbox.values()) if (isAsked(operation)) move(draft, operation, "askAgain");
  });
}
