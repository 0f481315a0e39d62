import { fromBase64, toBase64 } from "lib0/buffer";
import * as Y from "yjs";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Clocks by client: Yjs keeps them for deleted structs; here they also count present structs. */
type Ranges = ReturnType<typeof Y.createDeleteSet>;

interface State {
  readonly bytes: Uint8Array;
  readonly held: Ranges;
  readonly deleted: Ranges;
}

/**
 * Merges two Yjs states, each a result of `encodeStateAsUpdate`, as Base64. The merge needs no ancestor and is
 * symmetric. Known deletions are kept, so that undo continues to work on the device that deleted.
 *
 * The states are not opened as a document: integrating both takes Yjs time that grows with the product of the two,
 * minutes for a megabyte of the wrong kind. The states are concatenated, and the client that opens the result
 * integrates them.
 *
 * @returns `undefined` if one of them is no such state.
 */
export function mergeYjsStates(remote: string, local: string): string | undefined {
  try {
    const [remoteState, localState] = [readState(remote), readState(local)];
    if (!remoteState || !localState) return undefined;
    // A state that contains the other is kept byte for byte: encoded anew, it would seem to have changed.
    if (hasAll(remoteState, localState)) return remote;
    if (hasAll(localState, remoteState)) return local;
    const [first, second] = remote < local ? [remoteState, localState] : [localState, remoteState];
    return toBase64(Y.mergeUpdates([first.bytes, second.bytes]));
  } catch {
    return undefined; // Truncated, or nested too deeply.
  }
}

function readState(text: string): State | undefined {
  if (text === "" || !BASE64.test(text)) return undefined;
  let rest: Y.UpdateDecoderV1["restDecoder"] | undefined;
  class Decoder extends Y.UpdateDecoderV1 {
    constructor(decoder: Y.UpdateDecoderV1["restDecoder"]) {
      super(decoder);
      rest = decoder;
    }
  }
  const bytes = fromBase64(text);
  const { structs, ds: deleted } = Y.decodeUpdateV2(bytes, Decoder);
  if (rest?.pos !== bytes.length) return undefined;
  const held = Y.createDeleteSet();
  let before: Y.ID | undefined;
  for (const { id, length, constructor } of structs) {
    // Yjs writes structs in this order, and relies on it when merging states.
    if (before && (id.client > before.client || (id.client === before.client && id.clock <= before.clock))) {
      return undefined;
    }
    before = id;
    if (constructor === Y.Skip) continue;
    const ranges = held.clients.get(id.client);
    if (ranges) ranges.push({ clock: id.clock, len: length });
    else held.clients.set(id.client, [{ clock: id.clock, len: length }]);
  }
  return { bytes, held, deleted };
}

function hasAll(state: State, other: State): boolean {
  return covers(state.held, other.held) && covers(state.deleted, other.deleted);
}

function covers(ranges: Ranges, other: Ranges): boolean {
  return Y.equalDeleteSets(Y.mergeDeleteSets([ranges, other]), Y.mergeDeleteSets([ranges]));
}
