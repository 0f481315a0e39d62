import { globSync } from "node:fs";
import type { TestName } from "./mutation.ts";

const TESTS = "{libs,services,stack,tests,observability,k8s,scripts}/**/*.test.ts";

/** Returns the path of a test's file. @throws if there is none or more than one */
export function findTest(root: string, { file }: TestName): string {
  const paths = globSync(TESTS, { cwd: root, exclude: (name) => name === "node_modules" });
  const [path, ...others] = paths.filter((path) => `/${path}`.endsWith(`/${file}`));
  if (path === undefined) throw new Error(`There is no test file ${file}`);
  if (others.length > 0)
    throw new Error(`Several test files are named ${file}: ${[path, ...others].join(", ")}`);
  return path;
}
