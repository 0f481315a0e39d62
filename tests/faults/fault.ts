/** The protocol between the test and the processes under test. */

/** The services that take steps. */
export type Service = "ingest" | "worker" | "conflict";

/**
 * One fault, once, at a step of one process:
 *
 * - `crash`: the process is killed.
 * - `cut`: the step's connection breaks; after the step this means that the step was done and its answer is lost.
 * - `stall`: the process freezes for longer than its jobs' locks last, so that another one takes them over, and
 *   resumes.
 * - `drop`: the step is skipped without an error. For hints only.
 * - `hold`: the step waits, before it is sent, for its release; the process continues.
 */
export interface Fault {
  service: Service;
  /**
   * A statement by the name of its file, `BEGIN`, `COMMIT` or `ROLLBACK`; a Redis script by its name; another Redis
   * command by its own; those of BullMQ with the queue in front, `drain.moveToActive`; `publish:reply`,
   * `publish:settled`, `publish:changed` and, at their receipt, `heard:reply` and so on.
   */
  step: string;
  /** `before` the step is sent, or `after` its answer came and before the caller gets it. */
  when: "before" | "after";
  action: "crash" | "cut" | "stall" | "drop" | "hold";
  /** Matches only if the step's arguments contain this text; those of COMMIT are its transaction's. */
  containing?: string;
  /** Matches only if the step's arguments contain one of these: a workspace's id, its lane's key. */
  about?: readonly string[];
  /** Strikes every time, in every process, until it is disarmed. */
  always?: boolean;
}

/** A step that a process took. */
export interface TakenStep {
  service: Service;
  pid: number;
  step: string;
}

/** An order to a process. Each is acknowledged with its number. */
export type Order =
  | { kind: "arm"; id: number; fault: Fault }
  | { kind: "disarm"; id: number }
  | { kind: "release"; id: number }
  | { kind: "record"; on: boolean };

/** A report of a process. */
export type Report =
  | { kind: "hello"; service: Service; pid: number }
  | { kind: "done"; number: number }
  | { kind: "hit"; id: number }
  | { kind: "step"; step: string };
