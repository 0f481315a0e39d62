import {
  CONFLICT_EVENTS,
  CONFLICT_LIFE,
  CONFLICT_STATUSES,
  type ConflictEvent,
  type ConflictReaction,
} from "@syncline/shared/protocol";
import { renderTable } from "./table.ts";

/** Renders the life of a conflict: the effect of each event in each status. */
export function renderConflictLife(): string {
  const statuses = ["none", ...CONFLICT_STATUSES] as const;
  const head = ["Event", ...statuses.map((status) => (status === "none" ? "no record" : `\`${status}\``))];
  const rows = Object.entries(CONFLICT_EVENTS).map(([event, description]) => [
    description,
    ...statuses.map((status) => cellOf(CONFLICT_LIFE[status][event as ConflictEvent])),
  ]);
  return renderTable(head, rows);
}

function cellOf(reaction: ConflictReaction): string {
  if (reaction === "impossible") return "–";
  return reaction === "ignored" || reaction === "refused" ? reaction : `\`${reaction}\``;
}
