import { callbackify } from "node:util";
import pg from "pg";
import type { Steps } from "./steps.ts";

type Callback = (error: unknown, result?: unknown) => void;
type Query = (this: pg.Client, ...args: unknown[]) => Promise<unknown>;

/** The state of a connection. */
interface Session {
  /** The values of all statements since BEGIN. */
  transaction: unknown[] | undefined;
  unanswered: Set<Promise<unknown>>;
  /** All later statements wait behind a held one. */
  gate: Promise<unknown> | undefined;
}

/** Records every named statement of this process, and lets faults strike it. */
export function watchPostgres(steps: Steps): void {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const { query } = prototype;
  const sessionByClient = new WeakMap<pg.Client, Session>();

  prototype.query = function (...args) {
    const statement = readStatement(args);
    if (statement === undefined) return query.apply(this, args);
    const callback = args.find((arg): arg is Callback => typeof arg === "function");
    const withoutCallback = args.filter((arg) => arg !== callback);
    const answer = watch(this, statement, () => query.apply(this, withoutCallback));
    if (callback !== undefined) callbackify(() => answer)(callback);
    return answer;
  };

  async function watch(
    client: pg.Client,
    { step, values }: { step: string; values: unknown[] },
    send: () => Promise<unknown>,
  ): Promise<unknown> {
    steps.note(step);
    const session = sessionByClient.get(client) ?? {
      transaction: undefined,
      unanswered: new Set(),
      gate: undefined,
    };
    sessionByClient.set(client, session);
    if (step === "BEGIN") session.transaction = [];
    session.transaction?.push(...values);
    const ends = step === "COMMIT" || step === "ROLLBACK";
    const meant = ends ? (session.transaction ?? []) : values;
    if (ends) session.transaction = undefined;
    const text = () => meant.map(String).join("\n");

    // Statements are sent without waiting for each other; those before a fault must end first.
    const isFree = session.gate === undefined && !steps.expects(step, "before", text);
    const result = await (isFree
      ? noteAnswer(session, send())
      : sendInTurn(client, session, step, text, send));
    if (steps.at(step, "after", text) !== "cut") return result;
    breakConnection(client);
    throw new Error("Connection terminated unexpectedly");
  }

  function sendInTurn(
    client: pg.Client,
    session: Session,
    step: string,
    text: () => string,
    send: () => Promise<unknown>,
  ): Promise<unknown> {
    const before = [...session.unanswered, session.gate ?? Promise.resolve()];
    const answer = Promise.allSettled(before).then(async () => {
      const happens = steps.at(step, "before", text);
      if (happens === "drop") throw new Error(`${step} cannot be dropped: only hints can`);
      if (happens === "cut") breakConnection(client);
      else await happens?.held;
      return send();
    });
    const ignore = () => undefined; // the sender gets the error
    const gate: Promise<unknown> = answer.catch(ignore).finally(() => {
      if (session.gate === gate) session.gate = undefined;
    });
    session.gate = gate;
    return answer;
  }
}

function noteAnswer(session: Session, answer: Promise<unknown>): Promise<unknown> {
  const forget = () => void session.unanswered.delete(answer);
  session.unanswered.add(answer);
  answer.then(forget, forget);
  return answer;
}

function breakConnection(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/**
 * Selects the statements of the flow of operations: not the settings at start, health checks, or the statements that
 * set the visible workspaces.
 */
function readStatement([config, given]: unknown[]): { step: string; values: unknown[] } | undefined {
  if (typeof config !== "object" || config === null) return undefined;
  const { name, text, values } = config as { name?: string; text?: string; values?: unknown[] };
  const step = name ?? (/^(BEGIN|COMMIT|ROLLBACK)$/.test(text ?? "") ? text : undefined);
  if (step === undefined || step === "name-workspaces") return undefined;
  return { step, values: values ?? (Array.isArray(given) ? given : []) };
}
