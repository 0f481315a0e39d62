import { fileURLToPath } from "node:url";

/** The folder of the repository, the same from `stack/src` and `stack/dist`. */
export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
