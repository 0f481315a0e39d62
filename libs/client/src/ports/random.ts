/** A source of randomness. */
export interface Random {
  bytes(length: number): Uint8Array;
  /** A uniform draw from [0, 1). */
  fraction(): number;
}
