import { Problem, setStaysOpen } from "@syncline/runtime";
import type { Response } from "express";
import type { OpenStream, OpenStreams } from "../core/open-streams.ts";

/**
 * Takes a place for an answer that stays open, until its client leaves.
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
  response.once("close", stream.end);
  return stream;
}
