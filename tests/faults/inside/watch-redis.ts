import { Command, Redis } from "ioredis";
import { createHash } from "node:crypto";
import type { Steps } from "./steps.ts";

/** The used properties of a connection and a command that their types lack. */
interface Connection {
  stream?: { destroy(): void };
}
interface Sent {
  name: string;
  args: unknown[];
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}
type Send = (this: Redis, command: Sent, stream?: unknown) => Promise<unknown>;

/** Records every command on any Redis connection of this process, BullMQ's included, and lets faults strike it. */
export function watchRedis(steps: Steps): void {
  const scriptNameByCode = new Map<string, string>();
  const prototype = Redis.prototype as unknown as {
    sendCommand: Send;
    defineCommand: Redis["defineCommand"];
    emit: (this: Redis, event: string, ...args: unknown[]) => boolean;
  };

  const { defineCommand } = prototype;
  prototype.defineCommand = function (name, definition) {
    const plainName = name.replace(/:.*/, ""); // BullMQ appends its version
    scriptNameByCode.set(definition.lua, plainName);
    scriptNameByCode.set(createHash("sha1").update(definition.lua).digest("hex"), plainName);
    defineCommand.call(this, name, definition);
  };

  /** A command may be sent again after a reconnection. */
  const seen = new WeakSet<Sent>();
  /** The steps of a transaction take effect, and are answered, with its EXEC. */
  const openByConnection = new WeakMap<Redis, { step: string; text: () => string }[]>();
  const { sendCommand } = prototype;
  prototype.sendCommand = function (command, stream) {
    if (seen.has(command)) return sendCommand.call(this, command, stream);
    seen.add(command);
    if (command.name === "multi") openByConnection.set(this, []);
    if (command.name === "exec") {
      for (const { step, text } of openByConnection.get(this) ?? []) watchAnswer(this, command, step, text);
      openByConnection.delete(this);
    }
    const step = stepOf(command, scriptNameByCode);
    const text = () => [...command.args.map(String), ""].join("\n");
    steps.note(step);

    const happens = steps.at(step, "before", text);
    if (happens === "drop") return sendInstead(this, command, stream, sendCommand);
    if (happens === "cut") (this as unknown as Connection).stream?.destroy();

    const open = openByConnection.get(this);
    if (open === undefined) watchAnswer(this, command, step, text);
    else open.push({ step, text });
    if (typeof happens !== "object") return sendCommand.call(this, command, stream);
    if (stream !== undefined) throw new Error(`${step} cannot be held: it is sent together with others`);
    void happens.held.then(() => sendCommand.call(this, command));
    return command.promise;
  };

  const { emit } = prototype;
  prototype.emit = function (event, ...args) {
    if (event !== "message") return emit.call(this, event, ...args);
    const step = `heard:${kindOf(String(args[0]))}`;
    steps.note(step);
    const happens = steps.at(step, "before", () => args.join("\n"));
    if (happens === "drop") return false;
    return emit.call(this, event, ...args);
  };

  function watchAnswer(connection: Redis, command: Sent, step: string, text: () => string): void {
    const { resolve } = command;
    command.resolve = (value) => {
      if (steps.at(step, "after", text) === "cut") {
        (connection as unknown as Connection).stream?.destroy();
        command.reject(new Error("The connection broke before the answer came"));
      } else resolve(value);
    };
  }
}

/** Sends a command without effect instead, and returns its answer as the command's. */
function sendInstead(connection: Redis, command: Sent, stream: unknown, send: Send): Promise<unknown> {
  const other = new Command("ping", []) as unknown as Sent;
  other.promise.then(command.resolve, command.reject);
  void send.call(connection, other, stream);
  return command.promise;
}

function stepOf({ name, args }: Sent, scriptNameByCode: ReadonlyMap<string, string>): string {
  const isScript = name === "evalsha" || name === "eval";
  const plainName = isScript ? (scriptNameByCode.get(String(args[0])) ?? name) : name.toLowerCase();
  if (plainName === "publish") return `publish:${kindOf(String(args[0]))}`;
  const queue = /:queue:(\w+)/.exec(String(args[isScript ? 2 : 0]))?.[1];
  return queue === undefined ? plainName : `${queue}.${plainName}`;
}

/** Returns `reply` for `{syncline}:reply:…`. */
function kindOf(channel: string): string {
  return channel.split(":")[1] ?? channel;
}
