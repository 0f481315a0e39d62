export { type IndexedDbOptions, indexedDbStorage } from "./indexeddb-storage.ts";
