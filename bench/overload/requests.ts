import { v7 as uuidv7 } from "uuid";

interface RequestsOptions {
  readonly workspaceId: string;
  readonly authorization: string;
  /** How many a batch has. */
  readonly operations: number;
}

/** How many different batches there are. */
const TEMPLATES = 50;
/** Stands for the part of the client ids that a batch has for itself, and is as long. */
const BATCH_ID = "00000000-0000-0000-0000-000000000000";

/**
 * Makes requests in which only the client ids are new: the load must not take from the system what it is to do with. They
 * begin with the time, as clients' should: the index of the ledger then grows at its end, and not all over.
 * @returns what writes the next request, and says how long it is
 */
export function createRequests(
  url: URL,
  { workspaceId, authorization, operations }: RequestsOptions,
): (room: Buffer) => number {
  const templates = Array.from({ length: TEMPLATES }, () => {
    const body = JSON.stringify({
      workspace_id: workspaceId,
      device_id: "device",
      operations: putFields(operations),
    });
    const head = [
      `POST ${url.pathname} HTTP/1.1`,
      `Host: ${url.host}`,
      `Authorization: ${authorization}`,
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const request = Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
    return { request, idsAt: placesOf(BATCH_ID, request) };
  });
  const id = Buffer.alloc(BATCH_ID.length);
  let next = 0;
  return (room) => {
    const template = templates[next++ % TEMPLATES];
    if (template === undefined) throw new Error("there is no template");
    const { request, idsAt } = template;
    request.copy(room);
    id.write(uuidv7(), "latin1");
    for (const at of idsAt) id.copy(room, at);
    return request.length;
  };
}

function placesOf(text: string, within: Buffer): number[] {
  const places: number[] = [];
  for (let at = within.indexOf(text); at !== -1; at = within.indexOf(text, at + 1)) places.push(at);
  return places;
}

/** Each of one of a thousand documents. */
function putFields(count: number): object[] {
  return Array.from({ length: count }, (_, n) => ({
    operation: "put",
    client_id: `${BATCH_ID}_${n}`,
    document_id: `document-${Math.floor(Math.random() * 1_000)}`,
    data: {
      [`field${Math.floor(Math.random() * 10)}`]: `${BATCH_ID}_${n}`,
      text: "a note of a hundred characters, which is about what people write down ",
    },
  }));
}
