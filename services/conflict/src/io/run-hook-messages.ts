import type { ResolveAnswer } from "@syncline/shared/merge";

/** A message of a process that runs hooks. */
export type HookMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "answered"; readonly answer: ResolveAnswer }
  | { readonly kind: "nonsense" }
  | { readonly kind: "threw"; readonly errorName: string; readonly errorPlace: string | undefined };

/** Returns an error's class and the place where it was thrown, never its message, which may quote a document. */
export function placeOfError(error: unknown): { errorName: string; errorPlace: string | undefined } {
  if (!(error instanceof Error)) return { errorName: typeof error, errorPlace: undefined };
  const { stack = "", message } = error;
  const frames = stack.slice(stack.indexOf(message) + message.length).split("\n");
  return {
    errorName: error.constructor.name,
    errorPlace: frames.find((line) => /^\s+at /.test(line))?.trim(),
  };
}
