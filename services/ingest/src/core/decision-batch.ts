import {
  DOCUMENT_DEPTH_MAX,
  depthOf,
  isJsonObject,
  type Json,
  type JsonObject,
} from "@syncline/shared/document";
import {
  DECISION_CHOICES,
  fieldProblem,
  type AcceptedBatch,
  type ConflictId,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { idSchema, type DecisionPreview } from "@syncline/shared/schemas";
import { z } from "zod";
import { SUBJECT_DEVICE_PREFIX, type Acceptance } from "./accept-batch.ts";

const dataSchema = z
  .custom<JsonObject | null>(
    (value) =>
      value === null || (isJsonObject(value as Json) && depthOf(value as Json) <= DOCUMENT_DEPTH_MAX),
    `must be a JSON object of at most ${DOCUMENT_DEPTH_MAX} levels, or null to delete the document`,
  )
  .meta({ type: ["object", "null"] });
export const decisionSchema = z
  .strictObject({
    choice: z.enum(DECISION_CHOICES),
    data: dataSchema.optional(),
    expected_version: z.int().min(0).optional(),
    client_id: idSchema.optional(),
  })
  .refine(({ choice, data }) => (choice === "data") === (data !== undefined), {
    path: ["data"],
    message: "is required for the choice data, and not allowed for any other",
  });

/** A person's decision as the client sends it. */
export type DecisionBody = z.infer<typeof decisionSchema>;

/**
 * Parses a decision.
 * @throws `invalid-field`, with the name of the invalid field
 */
export function readDecision(value: Json): DecisionBody {
  const parsed = decisionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map((step) => (typeof step === "symbol" ? String(step) : step));
  if (issue?.code === "unrecognized_keys" && issue.keys[0] !== undefined) path.push(issue.keys[0]);
  throw fieldProblem({ path, message: issue?.message ?? "is invalid" }, value);
}

/**
 * Builds the batch of one operation that writes the decided document, in the person's own name. The fingerprint covers
 * the request and not the resulting document, so that a resend has no second effect.
 * @throws `invalid-field` if the document's id would change
 */
export function decisionBatch(
  on: { workspaceId: WorkspaceId; conflictId: ConflictId; body: DecisionBody; previewed: DecisionPreview },
  { batchId, subject, requestId, replyTo, nowMs, newId, fingerprint }: Acceptance,
): AcceptedBatch {
  const { workspaceId, conflictId, body, previewed } = on;
  const { collection, documentId, revision, version, inputs } = previewed;
  const document = body.data === undefined ? previewed.document : body.data;
  if (document !== null && Object.hasOwn(document, "id") && document["id"] !== documentId) {
    throw fieldProblem({ path: ["data", "id"], message: "differs from the document's id" }, null);
  }
  return {
    batchId,
    workspaceId,
    deviceId: SUBJECT_DEVICE_PREFIX + subject,
    deviceDeclared: false,
    subject,
    requestId,
    acceptedAtMs: nowMs,
    replyTo,
    atomic: false,
    operations: [
      {
        clientId: body.client_id ?? newId(),
        position: 0,
        kind: document === null ? "delete" : "put",
        collection,
        documentId,
        ...(document === null ? {} : { data: document }),
        expectedVersion: body.expected_version ?? version,
        fingerprint: fingerprint([
          "decision",
          conflictId,
          body.choice,
          body.data,
          body.data === null,
          body.expected_version,
        ]),
        decision: { conflictId, choice: body.choice, revision, version, inputs },
      },
    ],
  };
}
