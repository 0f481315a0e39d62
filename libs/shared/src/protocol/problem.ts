import { cutText } from "../document/cut-text.ts";

/** The location of an error in a request, and its description. */
export interface FieldFault {
  path: (string | number)[];
  message: string;
}

/**
 * Every problem that a request can be answered with. One is `retryable` if the same request, unchanged, can succeed
 * later. Clients branch on these names: add, never rename.
 */
export const PROBLEMS = {
  "not-json": { status: 400, title: "Malformed request", retryable: false },
  unauthorized: { status: 401, title: "Missing or invalid token", retryable: false },
  forbidden: { status: 403, title: "Permission denied", retryable: false },
  "workspace-forbidden": { status: 403, title: "No access to the workspace", retryable: false },
  "role-insufficient": { status: 403, title: "Role insufficient", retryable: false },
  "device-taken": { status: 403, title: "Device of another subject", retryable: false },
  "override-not-allowed": { status: 403, title: "Conflict strategy not allowed", retryable: false },
  "not-found": { status: 404, title: "Not found", retryable: false },
  "method-not-allowed": { status: 405, title: "Method not allowed", retryable: false },
  "not-replayable": { status: 409, title: "Operation not replayable", retryable: false },
  "decision-outdated": { status: 409, title: "Outdated decision", retryable: false },
  "request-timeout": { status: 408, title: "Request timeout", retryable: true },
  "history-gone": { status: 410, title: "History no longer available", retryable: false },
  "epoch-changed": { status: 410, title: "Epoch mismatch", retryable: false },
  "cursor-ahead": { status: 410, title: "Cursor beyond the end of the feed", retryable: false },
  "too-large": { status: 413, title: "Request too large", retryable: false },
  "unsupported-media-type": { status: 415, title: "Unsupported media type", retryable: false },
  "invalid-field": { status: 422, title: "Invalid field", retryable: false },
  "merge-too-costly": { status: 422, title: "Merge cost limit exceeded", retryable: false },
  "too-many-held": { status: 429, title: "Held-queue limit reached", retryable: true },
  "too-many-waiting": { status: 429, title: "Workspace backlog limit reached", retryable: true },
  "share-exceeded": { status: 429, title: "Share exceeded", retryable: true },
  "rate-limited": { status: 429, title: "Rate limit exceeded", retryable: true },
  internal: { status: 500, title: "Internal server error", retryable: true },
  "conflict-service-unavailable": { status: 502, title: "Conflict service unavailable", retryable: true },
  unavailable: { status: 503, title: "Service unavailable", retryable: true },
  overloaded: { status: 503, title: "Server overloaded", retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

export type ProblemType = keyof typeof PROBLEMS;

/** An invalid operation of a batch: its position, its `client_id` if it has one, and its first invalid field. */
export interface OperationFault {
  index: number;
  operation?: string;
  field: string;
  detail: string;
}

/**
 * The members of a problem beside its type. `operation` is a `client_id`, `field` an RFC 6901 pointer into the body.
 */
export interface ProblemDetails {
  detail?: string;
  operation?: string;
  field?: string;
  /** The first fault of each invalid operation, if several are invalid; the members above name the first one. */
  errors?: OperationFault[];
  /** The URL at which a reader that cannot continue starts again. */
  snapshot?: string;
  retryAfterSeconds?: number;
  /** The methods that the path supports. */
  allow?: string;
  /** The document's current version, if a decision was made on an older one. */
  current_version?: number;
  conflict_status?: string;
}

/** An error that ends a request with a problem (RFC 9457). */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly type: ProblemType;
  readonly details: ProblemDetails;

  constructor(type: ProblemType, details: ProblemDetails = {}) {
    super(details.detail ?? PROBLEMS[type].title);
    this.type = type;
    this.details = details;
  }

  get status(): number {
    return PROBLEMS[this.type].status;
  }

  /** The body, as `application/problem+json`. */
  toJSON(): Record<string, unknown> {
    const { retryAfterSeconds: _, allow: __, ...details } = this.details;
    return {
      type: `urn:syncline:problem:${this.type}`,
      title: PROBLEMS[this.type].title,
      status: this.status,
      retryable: PROBLEMS[this.type].retryable,
      ...details,
    };
  }
}

const POINTER_CHARS_MAX = 2_000;

/** Creates the problem that names an invalid field and its operation. */
export function fieldProblem(fault: FieldFault, body: unknown): Problem {
  const [first, index] = fault.path;
  const whole = fault.path
    .map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
  // A key may be megabytes long; the start of the pointer is enough to find it.
  const pointer = cutText(whole, POINTER_CHARS_MAX);
  const operation = first === "operations" && typeof index === "number" ? clientIdAt(body, index) : undefined;
  const where = operation === undefined ? pointer || "the body" : `${pointer} (operation ${operation})`;
  return new Problem("invalid-field", {
    detail: `${where} ${fault.message}`,
    field: pointer,
    ...(operation === undefined ? {} : { operation }),
  });
}

function clientIdAt(body: unknown, index: number): string | undefined {
  const operations = (body as { operations?: unknown } | null)?.operations;
  const operation: unknown = Array.isArray(operations) ? operations[index] : undefined;
  const clientId = (operation as { client_id?: unknown } | null | undefined)?.client_id;
  return typeof clientId === "string" ? cutText(clientId, 200) : undefined;
}
