import { fromBase64, toBase64 } from "lib0/buffer";
import * as Y from "yjs";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Clocks by client. Yjs has them for what is deleted; what is there is counted alike. */
type Ranges = ReturnType<typeof Y.createDeleteSet>;

interface State {
  readonly bytes: Uint8Array;
  readonly held: Ranges;
  readonly deleted: Ranges;
}

/**
 * Merges two Yjs states, each what `encodeStateAsUpdate` gives, as Base64. Needs no ancestor, and is the same whichever
 * side is which. What a state knows to be deleted is kept, so that undo goes on working on the device that deleted it.
 *
 * No document is made of them: to find the places of what both wrote takes Yjs time that grows with the product of the
 * two, minutes for a megabyte of the wrong kind. Put together as they are, whoever opens the result finds the places.
 *
 * @returns `undefined` where one of them is no such state.
 */
export function mergeYjsStates(remote: string, local: string): string | undefined {
  try {
    const [remoteState, localState] = [readState(remote), readState(local)];
    if (!remoteState || !localState) return undefined;
    // One that has everything the other has stays as it is, to the byte: written anew, it would seem to have changed.
    if (hasAll(remoteState, localState)) return remote;
    if (hasAll(localState, remoteState)) return local;
    const [first, second] = remote < local ? [remoteState, localState] : [localState, remoteState];
    return toBase64(Y.mergeUpdates([first.bytes, second.bytes]));
  } catch {
    return undefined; // Cut short, or nested too deeply.
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
    // Yjs writes them in this order, and puts states together by it.
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
