import { identityOf, networkOfClient, setStaysOpen } from "@syncline/kit/http";
import { Problem } from "@syncline/shared/protocol";
import type { Response } from "express";
import type { OpenStream, OpenStreams } from "../core/open-streams.ts";
import type { BoundRequests } from "./bound-requests.ts";
import { shareExceeded } from "./share-exceeded.ts";

/**
 * Longest life of a stream; the client then reconnects with a fresh token. Timers cannot run much longer than 24 days
 * anyway.
 */
const STREAM_MS_MAX = 24 * 3_600_000;

/**
 * Takes a slot for a long-lived response until its client leaves or its token expires, and releases the slot of its
 * request.
 *
 * @param weight - the number of slots that the stream takes, by default 1
 * @throws {@link Problem} `unavailable` if no slot is free; `share-exceeded` if the client has its share of them
 */
export type OpenStreamOf = (response: Response, weight?: number) => OpenStream;

export function createOpenStream(streams: OpenStreams, requests: Pick<BoundRequests, "leave">): OpenStreamOf {
  return (response, weight) => {
    const { subject, expiresAtMs } = identityOf(response);
    const stream = streams.open({ subject, address: networkOfClient(response), weight });
    if (stream === "subject" || stream === "address") throw shareExceeded(stream, "streams", 5);
    if (stream === "all") {
      throw new Problem("unavailable", {
        detail:
          "This process has too many open streams; try again after Retry-After, or read without waiting",
        retryAfterSeconds: 5,
      });
    }
    setStaysOpen(response);
    requests.leave(response);
    const leftMs = expiresAtMs - Date.now();
    const expiry = setTimeout(
      () => stream.end(leftMs < STREAM_MS_MAX ? "token_expired" : "time_over"),
      Math.min(leftMs, STREAM_MS_MAX),
    );
    stream.signal.addEventListener("abort", () => clearTimeout(expiry), { once: true });
    if (response.closed) stream.end();
    else response.once("close", () => stream.end());
    return stream;
  };
}
