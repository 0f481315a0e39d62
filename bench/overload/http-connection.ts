import { connect } from "node:net";
import { once } from "node:events";

/** What is known of an answer. */
export interface Answer {
  status: number;
  retryAfter: string | undefined;
}

/** A keep-alive connection, for one request at a time. */
export interface HttpConnection {
  /**
   * Where the next request is written, head and body: over the last one, so that there is no garbage. What is still unsent
   * of one that was refused early changes with it, and is discarded as it is.
   */
  readonly room: Buffer;
  /**
   * Sends the first so many bytes of the room.
   * @throws what broke the connection
   */
  send(bytes: number): Promise<Answer>;
  close(): void;
}

const ROOM_BYTES = 64 * 1024;

/**
 * Speaks as much HTTP as a load needs: whole requests out, answers with a `Content-Length` in. Node's own client and undici
 * take about twice the CPU, which a machine that the load shares with the services has to do without.
 */
export async function openHttpConnection({ hostname, port }: URL): Promise<HttpConnection> {
  let answered: PromiseWithResolvers<Answer> | undefined;
  let broken: Error | undefined;
  let answer: Answer = { status: 0, retryAfter: undefined };
  let head = "";
  let missingBytes = 0;

  const socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafeSlow(ROOM_BYTES),
      callback(length, buffer) {
        read(buffer, length);
        return true;
      },
    },
  });
  await once(socket, "connect");
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("the connection was closed")));

  function read(buffer: Uint8Array, length: number): void {
    if (missingBytes > 0) {
      missingBytes -= length;
    } else {
      head += Buffer.from(buffer.buffer, buffer.byteOffset, length).toString("latin1");
      const endAt = head.indexOf("\r\n\r\n");
      if (endAt === -1) return;
      answer = {
        status: Number(head.slice(9, 12)),
        retryAfter: /\r\nretry-after: (.*)\r\n/i.exec(head.slice(0, endAt + 2))?.[1],
      };
      const bodyBytes = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
      missingBytes = endAt + 4 + bodyBytes - head.length;
      head = "";
    }
    if (missingBytes > 0) return;
    if (missingBytes !== 0)
      return void socket.destroy(new Error("an answer has no length, or is longer than it says"));
    answered?.resolve(answer);
    answered = undefined;
  }

  function fail(error: Error): void {
    broken ??= error;
    answered?.reject(broken);
    answered = undefined;
  }

  const room = Buffer.allocUnsafeSlow(ROOM_BYTES);
  return {
    room,
    send(bytes) {
      if (broken !== undefined) return Promise.reject(broken);
      answered = Promise.withResolvers<Answer>();
      socket.write(room.subarray(0, bytes));
      return answered.promise;
    },
    close: () => void socket.destroy(),
  };
}
