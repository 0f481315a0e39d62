// Ends what a run of tests leaves behind. It lives beside the run, outlives it however that ends (Ctrl-C, kill -9), and
// notices by the end of its standard input, which the run holds open.
import { removeTestHome } from "./test-home.ts";

const [home] = process.argv.slice(2);
if (home === undefined) throw new Error("usage: reaper.ts HOME");
process.stdin.resume().once("end", () => void removeTestHome(home));
