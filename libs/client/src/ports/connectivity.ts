/** The environment's hints about the network and the screen. None of them proves that the server can be reached (R17). */
export interface Connectivity {
  /** `false` only if the device knows that it has no network. */
  isOnline(): boolean;
  /** `true` if a person may be looking at the app. */
  isVisible(): boolean;
  /** Calls `listener` when one of the two has changed. Returns the function that stops it. */
  subscribe(listener: () => void): () => void;
}
