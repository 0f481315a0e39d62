// Commits groups 1, 2, … to the database in the folder of the first argument, and reports each on standard output. Dies
// by SIGKILL before or after a statement of the last group, as the other arguments say.
import { writeSync } from "node:fs";
import { groupChanges } from "../../../testing/storages/index.ts";
import type { SqliteDriver } from "../driver.ts";
import { nodeSqlite } from "../node.ts";
import { sqliteStorage } from "../sqlite-storage.ts";

const [folder = "", moment = "", statement = "", groups = ""] = process.argv.slice(2);
const driver = nodeSqlite(folder);
let fatal = false;
let count = 0;

function dieIfIt(is: string): void {
  if (fatal && moment === is && count === Number(statement)) process.kill(process.pid, "SIGKILL");
}

const mortal: SqliteDriver = {
  ...driver,
  query(sql, parameters) {
    if (fatal) count += 1;
    dieIfIt("before");
    const rows = driver.query(sql, parameters);
    dieIfIt("after");
    return rows;
  },
};

// Waits for a reader that is behind; `process.stdout` would keep the line in this process, which is about to die.
function report(line: string): void {
  writeSync(1, `${line}\n`);
}

const storage = sqliteStorage(mortal);
await storage.open("crash", 1);
for (let n = 1; n <= Number(groups); n += 1) {
  fatal = n === Number(groups);
  await storage.commit(groupChanges(n), [], { durability: n % 2 === 0 ? "strict" : "relaxed" });
  report(`committed ${n}`);
}
report(`statements ${count}`);
