// Runs one of the project's programs on a machine that has only Node (20 or newer) and npm.
//
//   node scripts/bootstrap.mjs ENTRY.ts [ARG...]      runs a TypeScript source
//   node scripts/bootstrap.mjs --run COMMAND [ARG...] runs any command, with the right `node` first on the PATH
//
// It carries on under a newer Node where this one is too old, and installs the dependencies where they are missing or
// not those of the lockfile. Plain JavaScript without dependencies, because it runs before there are any.
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The first release that runs TypeScript sources without a flag. */
const NODE_OLDEST = [22, 18];
const NODE_WANTED = 24;

const [first, ...rest] = process.argv.slice(2);
if (first === undefined || (first === "--run" && rest.length === 0)) {
  fail("usage: node scripts/bootstrap.mjs ENTRY.ts [ARG...], or --run COMMAND [ARG...]");
}

const node = isNewEnough(process.version) ? process.execPath : fetchNewerNode();
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` };
if (!isInstalled()) install();
if (first === "--run") become(rest[0], rest.slice(1));
else become(node, ["--conditions=@syncline/source", "--disable-warning=ExperimentalWarning", first, ...rest]);

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor >= NODE_OLDEST[1]);
}

/** The path of a newer Node, which npm downloads once and keeps in its cache. */
function fetchNewerNode() {
  console.error(
    `Node ${process.version} is older than ${NODE_OLDEST.join(".")}: carrying on under Node ${NODE_WANTED} from npm (npx -y -p node@${NODE_WANTED}).`,
  );
  // `node` fetches its binary in an install script; where npm runs none, the package with the binary is asked for by name.
  for (const name of ["node", `node-${process.platform}-${process.arch}`]) {
    const script = "console.log(JSON.stringify([process.version, process.execPath]))";
    const found = spawnSync("npx", ["-y", "-p", `${name}@${NODE_WANTED}`, "--", "node", "-e", script], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const answer = found.status === 0 ? found.stdout.trim().split("\n").at(-1) : undefined;
    const [version, path] = answer ? JSON.parse(answer) : ["0", ""];
    if (isNewEnough(version)) return path;
  }
  return fail(
    `Node ${NODE_WANTED} could not be had from npm (see above). Install Node ${NODE_OLDEST.join(".")} or newer from https://nodejs.org and try again.`,
  );
}

/**
 * Compares what npm installed with the lockfile, package by package: file times say nothing after a `git checkout`.
 * Optional packages may be absent, since most of them are for other platforms.
 */
function isInstalled() {
  const wanted = readPackages("package-lock.json");
  const installed = readPackages(join("node_modules", ".package-lock.json"));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const found = installed[path];
    if (found === undefined) return entry.optional === true;
    return (
      found.version === entry.version && found.integrity === entry.integrity && found.link === entry.link
    );
  });
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function install() {
  console.error("Installing dependencies (npm ci).");
  // Named, because NODE_ENV or a user's npm settings may leave them out: Postgres itself is an optional dependency.
  const { status } = spawnSync("npm", ["ci", "--include=dev", "--include=optional"], {
    cwd: ROOT,
    env,
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) fail("npm ci failed (see above), so nothing was started.");
}

/** Hands over to a program: its output, the signals we get and its exit are ours. */
function become(command, args) {
  const child = spawn(command, args, { cwd: ROOT, env, stdio: "inherit" });
  child.on("error", (error) => fail(`${command} could not be started: ${error.message}`));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  // npm runs us through a shell, and a signal that ends that shell, or npm itself, does not come this far.
  if (process.env.npm_lifecycle_event !== undefined) {
    const parent = process.ppid;
    setInterval(() => process.ppid === parent || child.kill("SIGTERM"), 250).unref();
  }
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
