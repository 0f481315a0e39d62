// Fails if a comment or a page breaks the rules of find-faults.ts.
import { globSync, readFileSync } from "node:fs";
import { findFaults } from "./find-faults.ts";
import { readProse } from "./read-prose.ts";

const FILES = ["**/*.{ts,mjs,cjs,sql,lua,md}"];
const IGNORED = /(^|\/)(node_modules|dist|\.[^/]+)(\/|$)|^scripts\/english\//;

let faults = 0;
for (const path of globSync(FILES, { exclude: (name) => IGNORED.test(name) })) {
  for (const { line, ...prose } of readProse(path, readFileSync(path, "utf8"))) {
    for (const fault of findFaults(prose)) {
      faults += 1;
      console.error(`${path}:${line}: ${fault}`);
    }
  }
}
if (faults > 0) process.exitCode = 1;
