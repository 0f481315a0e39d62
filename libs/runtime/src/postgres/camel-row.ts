/** A row in the words of the code: `workspace_id` becomes `workspaceId`. */
export function camelRow<T>(row: Record<string, unknown>): T {
  const entries = Object.entries(row).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return Object.fromEntries(entries) as T;
}
