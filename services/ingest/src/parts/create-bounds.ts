import type { z } from "zod";
import { OpenStreams } from "../core/open-streams.ts";
import { Shares } from "../core/shares.ts";
import type { envSchema } from "../env.ts";
import { createBoundRequests, type BoundRequests } from "../routes/bound-requests.ts";

/** The bounds of this process, each shared out between subjects and addresses. */
export interface Bounds {
  requests: BoundRequests;
  /** Memory for request bodies, in bytes. */
  bodyBytes: Shares;
  streams: OpenStreams;
  snapshots: OpenStreams;
}

export function createBounds(env: z.infer<typeof envSchema>): Bounds {
  const shares = { subject: env.SUBJECT_SHARE_PERCENT / 100, address: env.ADDRESS_SHARE_PERCENT / 100 };
  const sharedOut = (most: number) => new Shares({ most, shares });
  return {
    requests: createBoundRequests(sharedOut(env.REQUESTS_MAX)),
    bodyBytes: sharedOut(env.REQUEST_BYTES_MAX),
    streams: new OpenStreams(sharedOut(env.EVENT_STREAMS_MAX)),
    snapshots: new OpenStreams(sharedOut(env.SNAPSHOTS_MAX)),
  };
}
