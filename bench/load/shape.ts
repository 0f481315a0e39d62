/** So many operations in each request or statement, over so many connections. */
export interface Shape {
  readonly operations: number;
  readonly connections: number;
}

export function describeShape({ operations, connections }: Shape): string {
  return `${operations} × ${connections}`;
}
