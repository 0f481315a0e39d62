import { fromBase64, toBase64 } from "lib0/buffer";
import * as Y from "yjs";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Merges two Yjs states, each what `encodeStateAsUpdate` gives, as Base64. Needs no ancestor, and is the same whichever
 * side is which. What a state knows to be deleted is kept, so that undo goes on working on the device that deleted it.
 *
 * @returns `undefined` where one of them is no such state.
 */
export function mergeYjsStates(remote: string, local: string): string | undefined {
  const [remoteState, localState] = [readState(remote), readState(local)];
  if (!remoteState || !localState) return undefined;
  try {
    // One that has everything the other has stays as it is, to the byte: written anew, it would seem to have changed.
    const ontoRemote = combine(remoteState, localState);
    if (isEqual(ontoRemote, combine(remoteState))) return remote;
    const ontoLocal = combine(localState, remoteState);
    if (isEqual(ontoLocal, combine(localState))) return local;
    return toBase64(remote < local ? ontoRemote : ontoLocal);
  } catch {
    return undefined; // Each could be read, but they do not go together: two documents under one client's id.
  }
}

function readState(text: string): Uint8Array | undefined {
  if (text === "" || !BASE64.test(text)) return undefined;
  let rest: Y.UpdateDecoderV1["restDecoder"] | undefined;
  class Decoder extends Y.UpdateDecoderV1 {
    constructor(decoder: Y.UpdateDecoderV1["restDecoder"]) {
      super(decoder);
      rest = decoder;
    }
  }
  const state = fromBase64(text);
  try {
    // Read piece by piece before a document is made of it, which trusts the lengths that the state claims.
    Y.decodeUpdateV2(state, Decoder);
  } catch {
    return undefined;
  }
  return rest?.pos === state.length ? state : undefined;
}

function combine(...states: readonly Uint8Array[]): Uint8Array {
  const doc = new Y.Doc({ gc: false });
  for (const state of states) Y.applyUpdate(doc, state);
  return Y.encodeStateAsUpdate(doc);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
