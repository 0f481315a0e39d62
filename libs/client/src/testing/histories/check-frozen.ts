import type { Message } from "../network.ts";

/** Finds operations that were sent again with another content: once sent, an operation is frozen. */
export function checkFrozen(messages: readonly Message[]): string[] {
  const contentById = new Map<string, string>();
  const violations: string[] = [];
  for (const { method, path, body } of messages) {
    if (method !== "POST" || !path.startsWith("/api/v1/documents/batch")) continue;
    const batch = JSON.parse(body) as { device_id: string; operations: Record<string, unknown>[] };
    for (const { ancestor: _, timestamp: __, priority: ___, ...frozen } of batch.operations) {
      const id = `${batch.device_id} ${String(frozen["client_id"])}`;
      const content = JSON.stringify(frozen);
      const before = contentById.get(id) ?? content;
      contentById.set(id, content);
      if (before !== content) violations.push(`${id} was sent as ${before}, and then as ${content}`);
    }
  }
  return violations;
}
