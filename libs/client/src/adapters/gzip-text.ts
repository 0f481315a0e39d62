import type { BodyCompression } from "../protocol/connection.ts";

/** Compresses text with gzip, for the `compress` of a connection, if the platform has `CompressionStream`. */
export const gzipText: BodyCompression | undefined =
  typeof CompressionStream === "undefined"
    ? undefined
    : async (text) => {
        const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
        return new Uint8Array(await new Response(stream).arrayBuffer());
      };
