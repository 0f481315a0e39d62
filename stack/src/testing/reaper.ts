// Ends the processes that a run of tests leaves behind. It outlives the run, however the run ends (Ctrl-C, kill -9),
// and detects this by the end of its standard input, which the run holds open.
import { removeTestHome } from "./test-home.ts";

const [home] = process.argv.slice(2);
if (home === undefined) throw new Error("usage: reaper.ts HOME");
process.stdin.resume().once("end", () => void removeTestHome(home));
