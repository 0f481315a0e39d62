import { statementsIn } from "@syncline/store";

/** Reads a statement of the worker by the name of its file. */
export const statement = statementsIn(new URL("../sql/", import.meta.url));
