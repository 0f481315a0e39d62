/** Column names are few, and rows are many. */
const camelByName = new Map<string, string>();

/** A row in the words of the code: `workspace_id` becomes `workspaceId`. */
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
