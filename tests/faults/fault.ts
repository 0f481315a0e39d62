/** What the test and the processes under test tell each other. */

/** The services that take steps. */
export type Service = "ingest" | "worker" | "conflict";

/**
 * One thing that goes wrong, once, at a step of one process:
 *
 * - `crash`: the process is killed.
 * - `cut`: the step's connection breaks; after the step this means that it was done and its answer is lost.
 * - `stall`: the process freezes for longer than its jobs' locks last, so that another one takes them over, and goes on.
 * - `drop`: the step is not done, and nobody notices. For hints only.
 * - `hold`: the step waits, before it is sent, for its release; the process goes on.
 */
export interface Fault {
  service: Service;
  /**
   * A statement by the name of its file, `BEGIN`, `COMMIT` or `ROLLBACK`; a Redis script by its name; another Redis
   * command by its own; those of BullMQ with the queue in front, `drain.moveToActive`; `publish:reply`,
   * `publish:settled`, `publish:changed` and, where they are heard, `heard:reply` and so on.
   */
  step: string;
  /** `before` anything is sent, or `after` the answer came and before anybody sees it. */
  when: "before" | "after";
  action: "crash" | "cut" | "stall" | "drop" | "hold";
  /** Counts only where the step's arguments have this in them; those of COMMIT are its transaction's. */
  containing?: string;
  /** Counts only where the step's arguments have one of these in them: a workspace's id, its lane's key. */
  about?: readonly string[];
  /** Goes wrong every time, in every process, until it is disarmed. */
  always?: boolean;
}

/** A step that a process took. */
export interface TakenStep {
  service: Service;
  pid: number;
  step: string;
}

/** Told to a process. Each is acknowledged with its number. */
export type Order =
  | { kind: "arm"; id: number; fault: Fault }
  | { kind: "disarm"; id: number }
  | { kind: "release"; id: number }
  | { kind: "record"; on: boolean };

/** Told by a process. */
export type Report =
  | { kind: "hello"; service: Service; pid: number }
  | { kind: "done"; number: number }
  | { kind: "hit"; id: number }
  | { kind: "step"; step: string };
