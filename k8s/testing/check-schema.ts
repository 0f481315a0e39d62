import { join } from "node:path";
import ts from "typescript";
import { MANIFESTS, type Manifest } from "./render.ts";

/** A class of the schemas' package: it validates the manifest that it is built from. */
type Model = new (manifest: Manifest) => { validate(): void };

/**
 * Finds the violations of the schemas of Kubernetes and of the custom resources. Validation finds missing and
 * out-of-range fields but accepts unknown ones; the compiler finds those.
 */
export async function findSchemaFaults(manifests: readonly Manifest[]): Promise<string[]> {
  const faults = await Promise.all(manifests.map(validate));
  return [...faults.flat(), ...compile(manifests)];
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

/** The module of an API version's schemas. */
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

/** Type-checks every manifest as a literal, one a line, so that a fault's line identifies its manifest. */
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
