import { policyOf, type Policies, type ResolveCase } from "@syncline/shared/merge";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { checkAnswer } from "../core/check-answer.ts";
import { placeOfError, type HookMessage } from "./run-hook-messages.ts";

// The process that runs hooks. It loads the policies, reports that it is ready, and answers one case at a time.

// A signal to the whole process group is for the service: the current question must still be answered.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
process.once("disconnect", () => process.exit());
// Node's default handler would print the message, which may quote a document.
process.on("uncaughtException", () => process.exit(1));

// The policies are imported without a check, which the service has made; the libraries for it would dominate the start
// time.
const file = pathToFileURL(resolve(process.argv[2] ?? ""));
const { default: policies } = (await import(file.href)) as { default: Policies };
const send = (message: HookMessage) => process.send?.(message);
process.on("message", (on: ResolveCase) => {
  void answer(on).then(send);
});
send({ kind: "ready" });

async function answer(on: ResolveCase): Promise<HookMessage> {
  const { collection, documentId } = on.context;
  try {
    const checked = checkAnswer(await policyOf(policies, collection).resolve?.(on), documentId);
    return checked === null ? { kind: "nonsense" } : { kind: "answered", answer: checked.answer };
  } catch (error) {
    return { kind: "threw", ...placeOfError(error) };
  }
}
