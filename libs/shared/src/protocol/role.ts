/** The roles that a token may grant in a workspace, in ascending order: each includes the previous ones. */
export const ROLES = ["reader", "writer", "admin"] as const;
export type Role = (typeof ROLES)[number];
