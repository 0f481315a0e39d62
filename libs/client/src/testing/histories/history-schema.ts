import { collection } from "../../facade/create-client.ts";
import type { Device } from "../device.ts";

export const WORKSPACE = "w1";

/** The collections of a history; each shows another kind of fault. */
export const COLLECTIONS = {
  /** One document with a counter for each device. */
  counters: collection<Record<string, number>>(),
  /** One document with a list, to which devices append items with unique names. */
  lists: collection<{ items: { id: string }[] }>(),
  /** Two documents that are always written together. */
  pairs: collection<{ v: string }>(),
  /** One document whose conflicts are left to a person. */
  notes: collection<{ text: string }>({ onConflict: "manual" }),
  /** A few documents that are created, changed and deleted by all. */
  things: collection<{ by?: string; a?: string; b?: string }>(),
  /** Documents that are created once each. */
  entries: collection<{ by: string }>(),
};
export type HistorySchema = typeof COLLECTIONS;
export type HistoryDevice = Device<HistorySchema>;
