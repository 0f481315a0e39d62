import { identityOf, Problem, setStaysOpen } from "@syncline/runtime";
import type { Response } from "express";
import type { OpenStream, OpenStreams } from "../core/open-streams.ts";

/** Everything ends: a client comes back with a fresh token. Timers could not wait for much more than 24 days anyway. */
const STREAM_MS_MAX = 24 * 3_600_000;

/**
 * Takes a place for an answer that stays open, until its client leaves or its token ends.
 * @throws {@link Problem} `unavailable` where no place is left
 */
export function openStream(streams: OpenStreams, response: Response): OpenStream {
  const stream = streams.open();
  if (stream === undefined) {
    throw new Problem("unavailable", {
      detail: "Too many streams are open here; try again, or read without waiting",
      retryAfterSeconds: 5,
    });
  }
  setStaysOpen(response);
  const leftMs = identityOf(response).expiresAtMs - Date.now();
  const expiry = setTimeout(
    () => stream.end(leftMs < STREAM_MS_MAX ? "token_expired" : "time_over"),
    Math.min(leftMs, STREAM_MS_MAX),
  );
  stream.signal.addEventListener("abort", () => clearTimeout(expiry), { once: true });
  if (response.closed) stream.end();
  else response.once("close", () => stream.end());
  return stream;
}
