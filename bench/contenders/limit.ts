import type { Contender } from "../contender.ts";
import { LoadProcess } from "../load/load-process.ts";
import { describeShape, type Shape } from "../load/shape.ts";
import type { TargetName } from "../targets/index.ts";
import { verifyApplied } from "../database/verify-applied.ts";
import { GROUND } from "../workload/documents.ts";

/** The shapes in which the bare client is tried; the best of a run is "the limit". */
export const LIMIT_SHAPES: readonly Shape[] = [
  { operations: 500, connections: 1 },
  { operations: 1_000, connections: 1 },
  { operations: 500, connections: 2 },
  { operations: 1_000, connections: 2 },
];

/**
 * A bare client on the same tables, see `targets/limit.ts`.
 * @param shape - defaults to the case's shape
 */
export function limit(shape?: Shape): Contender {
  return bareClient(shape === undefined ? "limit" : `limit ${describeShape(shape)}`, "limit", shape);
}

/** The bare client that first reads the documents and applies the device's patches: `targets/limit-rmw.ts`. */
export function limitReadModifyWrite(patch: "merge patch" | "JSON Patch", shape?: Shape): Contender {
  return bareClient(`limit, ${patch}`, "limit-rmw", shape, { patch });
}

function bareClient(
  name: string,
  target: TargetName,
  ownShape: Shape | undefined,
  own: Record<string, unknown> = {},
): Contender {
  return {
    name,
    async start(stores, caseShape) {
      const shape = ownShape ?? caseShape;
      const url = await stores.createSeededDatabase();
      const load = await LoadProcess.start({
        target,
        url,
        own,
        shape,
        ground: GROUND,
        work: "mixed",
        seed: 1,
      });
      return {
        name,
        shape,
        load,
        processes: { client: [load.pid], postgres: [stores.postgresPid] },
        verify: ({ operations }) => verifyApplied(url, { operations, changes: operations }),
        stop: () => load.stop(),
      };
    },
  };
}
