// Completes `tsc -b`: sources read .sql and .lua files from their own folder, so each file is copied to the same place
// in `dist`.
import { copyFileSync, globSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

for (const workspace of globSync("{libs,services}/*", { cwd: ROOT })) {
  const source = join(ROOT, workspace, "src");
  for (const asset of globSync("**/*.{sql,lua}", { cwd: source })) {
    const target = join(ROOT, workspace, "dist", asset);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(source, asset), target);
  }
}
