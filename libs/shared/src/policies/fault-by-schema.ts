import { cutText } from "../document/cut-text.ts";
import type { JsonObject } from "../document/json.ts";
import type { SchemaIssue, StandardSchema } from "../merge/document-schema.ts";

/** The reason why a document may not be stored. */
export interface SchemaFault {
  /** `violation`: the document's fault; `failure`: the schema's. */
  readonly kind: "violation" | "failure";
  /** Names the places that violate the schema, or the failure. */
  readonly message: string;
}

/** Limits on the message about a document: the places named, and the characters of a path and of its sentence. */
const ISSUES_MAX = 10;
const PATH_CHARS_MAX = 200;
const SENTENCE_CHARS_MAX = 200;

/** Validates a document. Returns `undefined` if it conforms; never throws. */
export function faultBySchema(schema: StandardSchema, document: JsonObject): SchemaFault | undefined {
  let result: ReturnType<StandardSchema["~standard"]["validate"]>;
  try {
    result = schema["~standard"].validate(document);
  } catch (error) {
    return failure(`it threw ${error instanceof Error ? error.name : "a value that is no error"}`);
  }
  if (isPromise(result)) {
    // A rejection would end the process.
    result.then(undefined, () => undefined);
    return failure("it returned a promise, but must be synchronous");
  }
  const { issues } = result;
  if (issues === undefined) return undefined;
  const named = issues.slice(0, ISSUES_MAX).map(describeIssue);
  const left = issues.length - named.length;
  const more = left > 0 ? `; and ${left} more` : "";
  return {
    kind: "violation",
    message: `The document violates its collection's schema: ${named.join("; ")}${more}`,
  };
}

function failure(reason: string): SchemaFault {
  return { kind: "failure", message: `The collection's schema cannot be used: ${reason}` };
}

/** Describes an issue by its place, as an RFC 6901 pointer, and its sentence. */
function describeIssue({ path = [], message }: SchemaIssue): string {
  const keys = path.map((step) => String(typeof step === "object" ? step.key : step));
  const pointer = keys.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const place = pointer === "" ? "the document" : cutText(pointer, PATH_CHARS_MAX);
  return `${place}: ${cutText(message, SENTENCE_CHARS_MAX)}`;
}

function isPromise(result: unknown): result is Promise<unknown> {
  return typeof (result as { then?: unknown } | null)?.then === "function";
}
