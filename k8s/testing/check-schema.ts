import { join } from "node:path";
import ts from "typescript";
import { MANIFESTS, type Manifest } from "./render.ts";

/** A class of a schema's package: it validates what it is made of. */
type Model = new (manifest: Manifest) => { validate(): void };

/**
 * Says where manifests are not what Kubernetes' schemas, and those of the custom resources, ask for. Validation finds what
 * is missing or out of bounds, and lets fields pass that do not exist; the compiler finds those.
 */
export async function findSchemaFaults(manifests: readonly Manifest[]): Promise<string[]> {
  const faults = await Promise.all(manifests.map(validate));
  return [...faults.flat(), ...compile(manifests)];
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

/** Where the schemas of an API version are. */
function moduleOf(apiVersion: string): string {
  if (apiVersion.startsWith("keda.sh/")) return `@kubernetes-models/keda/${apiVersion}`;
  if (apiVersion.startsWith("monitoring.coreos.com/"))
    return `@kubernetes-models/prometheus-operator/${apiVersion}`;
  return `kubernetes-models/${apiVersion}`;
}

async function validate(manifest: Manifest): Promise<string[]> {
  const models = (await import(moduleOf(manifest.apiVersion))) as Record<string, Model>;
  const Model = models[manifest.kind];
  if (Model === undefined) return [`${nameOf(manifest)}: ${manifest.apiVersion} has no such kind`];
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${nameOf(manifest)}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Type-checks every manifest as a literal, one a line, so that the line of a fault says whose it is. */
function compile(manifests: readonly Manifest[]): string[] {
  const path = join(MANIFESTS, "manifests.ts");
  const lines = manifests.map(
    (manifest) =>
      `(${JSON.stringify(manifest)}) satisfies import("${moduleOf(manifest.apiVersion)}").I${manifest.kind};`,
  );
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2024,
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, languageVersion, ...rest) =>
    name === path
      ? ts.createSourceFile(name, lines.join("\n"), languageVersion)
      : getSourceFile(name, languageVersion, ...rest);
  const program = ts.createProgram([path], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, "\n");
    const manifest =
      file?.fileName === path ? manifests[file.getLineAndCharacterOfPosition(start).line] : undefined;
    return manifest === undefined ? text : `${nameOf(manifest)}: ${text}`;
  });
}
