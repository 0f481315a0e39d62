/** Cached because there are few column names and many rows. */
const camelByName = new Map<string, string>();

/** Renames the columns of a row: `workspace_id` becomes `workspaceId`. */
export function camelRow<T>(row: Record<string, unknown>): T {
  const camel: Record<string, unknown> = {};
  for (const name of Object.keys(row)) camel[camelOf(name)] = row[name];
  return camel as T;
}

function camelOf(name: string): string {
  let camel = camelByName.get(name);
  if (camel === undefined) {
    camel = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    camelByName.set(name, camel);
  }
  return camel;
}
