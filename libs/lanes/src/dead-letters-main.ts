// `npm run dead-letters -- list|replay|drop [--lane N] [--id ID | --all]`: lists dead-lettered entries, puts them back
// on their lanes, or drops them. docs/runbooks/dead-letters.md explains the choice.
import { parseArgs } from "node:util";
import { z } from "zod";
import { EnvError, readEnv } from "@syncline/kit/process";
import { createDeadLetters, type DeadLetter } from "./dead-letters.ts";
import { redisEnv, refineRedisEnv } from "./redis-env.ts";
import { openRedis } from "./shards.ts";

const USAGE = "usage: npm run dead-letters -- list|replay|drop [--lane N] [--id ID | --all]";

/** An error that the user can fix. */
class UsageError extends Error {}

try {
  await run();
} catch (error) {
  const isExplained = error instanceof UsageError || error instanceof EnvError;
  console.error(isExplained ? error.message : error);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { command, lane, id, all } = readArguments();
  const env = readEnv(z.object(redisEnv).superRefine(refineRedisEnv), process.env);
  if (lane !== undefined && lane >= env.LANES)
    throw new UsageError(`--lane ${lane} must be below LANES, which is ${env.LANES}`);
  const redis = openRedis(env, () => undefined);
  try {
    const letters = createDeadLetters(redis.shards);
    const lanes = lane === undefined ? [...Array(env.LANES).keys()] : [lane];
    const found = await letters.list(lanes);
    if (command === "list") return print(found);
    const chosen = found.filter((entry) => all || entry.id === id);
    if (chosen.length === 0) throw new UsageError("no such entry; list them with `list`");
    // The oldest first, so that the entries of a workspace keep their order.
    for (const entry of chosen) {
      const isDone = command === "replay" ? await letters.replay(entry) : await letters.drop(entry);
      const done = command === "replay" ? "put back on its lane" : "dropped";
      console.log(`lane ${entry.lane} ${entry.id}: ${isDone ? done : "no longer exists"}`);
    }
  } finally {
    await redis.close();
  }
}

function readArguments(): { command: string; lane?: number; id?: string; all: boolean } {
  const options = { lane: { type: "string" }, id: { type: "string" }, all: { type: "boolean" } } as const;
  let parsed;
  try {
    parsed = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
  const { values, positionals } = parsed;
  const [command = "", ...others] = positionals;
  const lane = values.lane === undefined ? undefined : Number(values.lane);
  const isCommand = ["list", "replay", "drop"].includes(command) && others.length === 0;
  const isLane = lane === undefined || (Number.isInteger(lane) && lane >= 0);
  const isChosen = command === "list" || (values.id === undefined) !== (values.all !== true);
  // Ids are unique within a lane only.
  const isPlaced = values.id === undefined || lane !== undefined;
  if (!isCommand || !isLane || !isChosen || !isPlaced) throw new UsageError(USAGE);
  return {
    command,
    all: values.all === true,
    ...(lane !== undefined && { lane }),
    ...(values.id !== undefined && { id: values.id }),
  };
}

function print(entries: readonly DeadLetter[]): void {
  for (const entry of entries) {
    const { lane, id, from, workspaceId = "unknown", kind = "unknown", batchId, operations, bytes } = entry;
    const batch = batchId === undefined ? "" : ` batch ${batchId}`;
    console.log(
      `lane ${lane} id ${id} from ${from} workspace ${workspaceId} kind ${kind}${batch} operations ${operations} bytes ${bytes}`,
    );
  }
  if (entries.length === 0) console.log("no dead letters");
}
