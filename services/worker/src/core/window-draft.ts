import { ConflictsDraft } from "./conflicts-draft.ts";
import { DocumentsDraft } from "./documents-draft.ts";
import { LedgerDraft } from "./ledger-draft.ts";
import { PastDocuments } from "./past-documents.ts";
import { UndoLog } from "./undo-log.ts";
import type { WindowState } from "./window-state.ts";

/**
 * The state that a window's operations meet in turn: the state read, and on top of it the window's decisions so
 * far. All drafts share one undo log, so that a failing group leaves no trace in any of them.
 */
export interface WindowDraft {
  documents: DocumentsDraft;
  past: PastDocuments;
  ledger: LedgerDraft;
  conflicts: ConflictsDraft;
  undoLog: UndoLog;
}

export function draftWindow(state: WindowState): WindowDraft {
  const undoLog = new UndoLog();
  const documents = new DocumentsDraft(state, undoLog);
  const past = new PastDocuments(state, documents, undoLog);
  const ledger = new LedgerDraft(state, undoLog);
  const conflicts = new ConflictsDraft(state, undoLog);
  return { documents, past, ledger, conflicts, undoLog };
}
