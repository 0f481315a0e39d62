// (d): Parse Server on the same Postgres. It keeps neither history nor a ledger, and commits every operation of a batch
// separately.
import express from "express";
import { importPackage } from "../import-package.ts";
import { GROUND, seedDocuments } from "../workload/documents.ts";
import { onDatabase } from "../database/on-database.ts";

interface ParseServer {
  readonly app: express.Express;
  start(): Promise<unknown>;
}

interface ParseModule {
  readonly ParseServer: new (options: object) => ParseServer;
}

const { ParseServer } = await importPackage<ParseModule>("parse-server");
const port = Number(process.env["PORT"]);
const databaseUrl = process.env["DATABASE_URL"] ?? "";
const server = new ParseServer({
  databaseURI: `${databaseUrl}?poolSize=${process.env["CONNECTIONS"] ?? ""}`,
  appId: process.env["APPLICATION_ID"],
  restAPIKey: process.env["REST_API_KEY"],
  masterKey: process.env["MASTER_KEY"],
  serverURL: `http://127.0.0.1:${port}/parse`,
  allowCustomObjectId: true,
  allowClientClassCreation: true,
  logLevel: "error",
});
await server.start();

const app = express();
app.use("/parse", server.app);
let seeded = false;
app.get("/readyz", (_request, response) => void response.status(seeded ? 200 : 503).end());
app.listen(port, "127.0.0.1");
await seed();
seeded = true;

/** Creates the first document through the API, which creates the table; the others are inserted directly. */
async function seed(): Promise<void> {
  const [first, ...rest] = Array.from({ length: GROUND.workspaces }, (_, workspace) =>
    seedDocuments(GROUND, workspace),
  ).flat();
  const answer = await fetch(`http://127.0.0.1:${port}/parse/classes/Document`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-parse-application-id": process.env["APPLICATION_ID"] ?? "",
      "x-parse-master-key": process.env["MASTER_KEY"] ?? "",
    },
    body: JSON.stringify({ objectId: first?.documentId, ...first?.data }),
  });
  if (!answer.ok) throw new Error(`Parse Server rejected the document: ${await answer.text()}`);
  const rows = rest.map(({ documentId, data }) => ({ objectId: documentId, ...data }));
  await onDatabase(databaseUrl, async (client) => {
    const { rows: columns } = await client.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute WHERE attrelid = '"Document"'::regclass AND attnum > 0`,
    );
    // Columns missing in a row keep the first document's value.
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    await client.query(
      `INSERT INTO "Document" (${names})
       SELECT ${columns.map(({ name }) => `(r)."${name}"`).join(", ")}
       FROM "Document" d, json_array_elements($1::json) j, json_populate_record(d, j) r`,
      [JSON.stringify(rows)],
    );
    await client.query("VACUUM ANALYZE");
  });
}
