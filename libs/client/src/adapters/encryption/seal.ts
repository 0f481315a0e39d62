import type { Key, StoreName } from "../../ports/index.ts";

// A sealed value: MAGIC, the id of the key (4 bytes), the nonce, then what AES-GCM makes of the kind of the value (1
// byte) and its bytes. The place of the row is authenticated, too: a value that is moved to another row does not open.
const MAGIC = Uint8Array.of(0x53, 0x59, 0x4c, 0x01);
const NONCE_AT = 8;
const NONCE_BYTES = 12;
const TEXT_AT = NONCE_AT + NONCE_BYTES;

const JSON_VALUE = 0;
const BYTES_VALUE = 1;

/** A key, and the id by which sealed values name it. */
export interface NamedKey {
  readonly id: number;
  readonly key: CryptoKey;
}

/** The row that a value belongs to. */
export interface Place {
  readonly store: StoreName;
  readonly key: Key;
}

export function isSealed(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && MAGIC.every((byte, i) => value[i] === byte);
}

export function keyIdOf(sealed: Uint8Array): number {
  return new DataView(sealed.buffer, sealed.byteOffset).getUint32(MAGIC.length);
}

/** Encrypts a value: JSON or bytes. */
export async function seal(value: unknown, place: Place, { id, key }: NamedKey): Promise<Uint8Array> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const encrypted = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: bytesOfPlace(place) },
    key,
    encodeValue(value),
  );
  const sealed = new Uint8Array(TEXT_AT + encrypted.byteLength);
  sealed.set(MAGIC);
  new DataView(sealed.buffer).setUint32(MAGIC.length, id);
  sealed.set(iv, NONCE_AT);
  sealed.set(new Uint8Array(encrypted), TEXT_AT);
  return sealed;
}

/** Decrypts a value. Rejects if it was sealed by another key or for another row, or was changed since. */
export async function unseal(sealed: Uint8Array, place: Place, key: CryptoKey): Promise<unknown> {
  const iv = sealed.slice(NONCE_AT, TEXT_AT);
  const decrypted = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv, additionalData: bytesOfPlace(place) },
    key,
    sealed.slice(TEXT_AT),
  );
  return decodeValue(new Uint8Array(decrypted));
}

/** Numbers as strings in an array, since JSON has no infinite ones. */
function bytesOfPlace({ store, key }: Place): Uint8Array<ArrayBuffer> {
  const parts = key.map((part) => (typeof part === "number" ? [String(part)] : part));
  return new TextEncoder().encode(JSON.stringify([store, parts]));
}

function encodeValue(value: unknown): Uint8Array<ArrayBuffer> {
  const isBytes = value instanceof Uint8Array;
  const bytes = isBytes ? value : new TextEncoder().encode(JSON.stringify(value));
  const encoded = new Uint8Array(1 + bytes.length);
  encoded[0] = isBytes ? BYTES_VALUE : JSON_VALUE;
  encoded.set(bytes, 1);
  return encoded;
}

function decodeValue(encoded: Uint8Array): unknown {
  const bytes = encoded.slice(1);
  return encoded[0] === BYTES_VALUE ? bytes : JSON.parse(new TextDecoder().decode(bytes));
}
