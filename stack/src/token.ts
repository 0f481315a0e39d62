// `npm run token`: prints a token for the stack that `npm start` runs.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { devFilePath, type DevFile } from "./dev-file.ts";
import { createDevToken } from "./dev-token.ts";
import { openHome } from "./home.ts";
import { REPOSITORY } from "./repository.ts";
import { explainFailure, StackError } from "./stack-error.ts";
import { readTokenOptions } from "./token-options.ts";

try {
  const home = resolve(REPOSITORY, process.env["SYNCLINE_HOME"] || ".syncline");
  const options = readTokenOptions(process.argv.slice(2));
  if (!existsSync(devFilePath(home))) {
    throw new StackError(
      `No Syncline runs from ${home}: run npm start first, or set SYNCLINE_HOME to the folder of the one that runs.`,
    );
  }
  const dev = JSON.parse(readFileSync(devFilePath(home), "utf8")) as DevFile;
  const { subject, role, expiresIn, workspaceIds = [dev.workspaceId] } = options;
  const workspaces = Object.fromEntries(workspaceIds.map((id) => [id, role]));
  console.log(await createDevToken({ secret: openHome(home).jwtSecret, workspaces, subject, expiresIn }));
} catch (error) {
  console.error(explainFailure(error) ?? error);
  process.exit(1);
}
