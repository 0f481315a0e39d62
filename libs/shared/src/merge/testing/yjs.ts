import { fromBase64, toBase64 } from "lib0/buffer";
import * as Y from "yjs";
import type { Json } from "../../document/json.ts";

/** Types a text in front of a Yjs state, or of an empty document, as a client would. */
export function typeInto(state: string | undefined, clientId: number, text: string): string {
  const doc = open(state);
  doc.clientID = clientId;
  doc.getText("t").insert(0, text);
  return toBase64(Y.encodeStateAsUpdate(doc));
}

/** The text that a Yjs state holds. */
export function readText(state: Json | undefined): string {
  return open(typeof state === "string" ? state : undefined)
    .getText("t")
    .toJSON();
}

function open(state: string | undefined): Y.Doc {
  const doc = new Y.Doc();
  if (state !== undefined) Y.applyUpdate(doc, fromBase64(state));
  return doc;
}
