import type { ChangesBody, OperationResult } from "@syncline/shared/protocol";

/** Reads a page of the feed with this query. */
type ReadPage = (query: string) => Promise<Required<ChangesBody>>;

/** A device that follows the feed and the outcomes of its operations, page by page. */
export class DeviceReader {
  readonly device: string;
  /** The last outcome of each of its operations. */
  readonly outcomes = new Map<string, OperationResult>();
  /** The operations that each change named. */
  readonly clientIdsBySeq = new Map<number, readonly string[]>();
  readonly #readPage: ReadPage;
  #since = 0;
  #settledSince: number | undefined;
  #reading: Promise<void> = Promise.resolve();

  constructor(device: string, readPage: ReadPage) {
    this.device = device;
    this.#readPage = readPage;
  }

  /** Reads pages of up to this number of changes: one, or all to the end. */
  readOn(limit: number, to: "page" | "end"): Promise<void> {
    this.#reading = this.#reading.then(() => this.#read(limit, to));
    return this.#reading;
  }

  async #read(limit: number, to: "page" | "end"): Promise<void> {
    let more = true;
    while (more) more = (await this.#readOne(limit)) && to === "end";
  }

  /** @returns true if there is more */
  async #readOne(limit: number): Promise<boolean> {
    const settled = this.#settledSince === undefined ? "" : `&settled_since=${this.#settledSince}`;
    const query = `device_id=${this.device}&since=${this.#since}&limit=${limit}${settled}`;
    const page = await this.#readPage(query);
    for (const result of page.settled) this.outcomes.set(result.client_id, result);
    for (const { seq, client_ids = [] } of page.changes) this.clientIdsBySeq.set(seq, client_ids);
    this.#since = page.next;
    this.#settledSince = page.settled_next;
    return page.more;
  }
}
