import { ENDPOINTS, type Endpoint, type EndpointName } from "@syncline/shared/protocol";
import { renderTable } from "./table.ts";

/** The page that explains each endpoint, relative to the reference. */
const PAGES: Readonly<Record<EndpointName, string>> = {
  postBatch: "[Sending](sending.md)",
  getBatch: "[Reading a batch](outcomes.md#reading-a-batch)",
  getBatchEvents: "[Reading a batch](outcomes.md#reading-a-batch)",
  listWorkspaces: "[The token's workspaces](#the-tokens-workspaces)",
  listDocuments: "[Reading documents](following.md#reading-documents)",
  getDocument: "[Reading documents](following.md#reading-documents)",
  getHistory: "[A document's history](following.md#a-documents-history)",
  getChanges: "[The feed](following.md#the-feed)",
  getChangeEvents: "[Event streams](following.md#event-streams)",
  getEvents: "[Several workspaces](following.md#several-workspaces)",
  getSnapshot: "[Reading everything](following.md#reading-everything)",
  listOperations: "[Reading operations](outcomes.md#reading-operations)",
  getOperation: "[Reading operations](outcomes.md#reading-operations)",
  replayOperation: "[Replaying an operation](outcomes.md#replaying-an-operation)",
  listConflicts: "[Listing conflicts](conflicts.md#listing-conflicts)",
  getConflict: "[Reading a conflict](conflicts.md#reading-a-conflict)",
  previewConflict: "[Previewing a decision](conflicts.md#previewing-a-decision)",
  resolveConflict: "[Deciding a conflict](conflicts.md#deciding-a-conflict)",
  getRoot: "the server's name and entry points, as JSON",
  getOpenApi: "[The API as a document](#the-api-as-a-document)",
};

/** The routes of every service's port, which are not part of the API. */
const HEALTH = ["`GET /healthz`, `GET /readyz`, `GET /metrics`", "none", "[Health](#health)"];

/** Renders the table of all requests. */
export function renderEndpoints(): string {
  const rows = (Object.keys(PAGES) as EndpointName[]).map((name) => {
    const { method, path, role }: Endpoint = ENDPOINTS[name];
    const shown = path
      .replace(/^\/api\/v1/, "")
      .replaceAll(/:(\w+)/g, (_, parameter: string) => nameOf(parameter));
    return [`\`${method.toUpperCase()} ${shown}\``, role === undefined ? "none" : `\`${role}\``, PAGES[name]];
  });
  return renderTable(["Request", "Role", "Page"], [...rows, HEALTH]);
}

/** Writes a path's parameter as the pages do. */
function nameOf(parameter: string): string {
  const short: Record<string, string> = { workspaceId: "w", documentId: "id" };
  return `{${short[parameter] ?? parameter.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}}`;
}
