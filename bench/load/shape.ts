/** Operations in each request or statement, and the number of connections. */
export interface Shape {
  readonly operations: number;
  readonly connections: number;
}

export function describeShape({ operations, connections }: Shape): string {
  return `${operations} × ${connections}`;
}
