// Runs one of the project's programs on a machine that has only Node (20 or newer) and npm.
//
//   node scripts/bootstrap.mjs [--with-redis] ENTRY.ts [ARG...]  runs a TypeScript source; on a fresh clone with --with-redis,
//                                                                sees first that there is a Redis server
//   node scripts/bootstrap.mjs --run COMMAND [ARG...]            runs any command, with the right `node` first on the PATH
//
// It carries on under a newer Node where this one is too old, and installs the dependencies where they are missing or
// not those of the lockfile. Plain JavaScript without dependencies, because it runs before there are any.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants as access, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** The first release that runs TypeScript sources without a flag. */
const NODE_OLDEST = [22, 18];
const NODE_WANTED = 24;

/** The newer Node of last time: to ask npm for it takes seconds at each start. */
const REMEMBERED_NODE = join(ROOT, ".syncline", "node-path");
const SOURCES = ["--conditions=@syncline/source", "--disable-warning=ExperimentalWarning"];

const args = process.argv.slice(2);
const needsRedis = args[0] === "--with-redis";
const [first, ...rest] = needsRedis ? args.slice(1) : args;
if (first === undefined || (first === "--run" && rest.length === 0)) {
  fail("usage: node scripts/bootstrap.mjs ENTRY.ts [ARG...], or --run COMMAND [ARG...]");
}

const node = isNewEnough(process.version) ? process.execPath : fetchNewerNode();
const env = {
  // Services load some 1,500 modules: with their code kept compiled, a start takes a third less CPU.
  NODE_COMPILE_CACHE: join(ROOT, "node_modules", ".cache", "node"),
  ...process.env,
  PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}`,
};
if (!isInstalled()) {
  if (needsRedis) requireRedis();
  install();
}
if (first === "--run") become(rest[0], rest.slice(1));
else become(node, [...SOURCES, first, ...rest]);

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  return major > NODE_OLDEST[0] || (major === NODE_OLDEST[0] && minor >= NODE_OLDEST[1]);
}

/** The path of a newer Node, which npm downloads once and keeps in its cache. */
function fetchNewerNode() {
  const remembered = recallNode();
  if (remembered !== undefined) return remembered;
  console.error(
    `Node ${process.version} is older than ${NODE_OLDEST.join(".")}: carrying on under Node ${NODE_WANTED} from npm (npx -y -p node@${NODE_WANTED}).`,
  );
  // `node` fetches its binary in an install script; where npm runs none, the package with the binary is asked for by name.
  for (const name of ["node", `node-${process.platform}-${process.arch}`]) {
    const script = "console.log(JSON.stringify([process.version, process.execPath]))";
    const found = spawnSync("npx", ["-y", "-p", `${name}@${NODE_WANTED}`, "--", "node", "-e", script], {
      cwd: ROOT,
      env: { ...process.env, ...npmCacheOf(process.env) },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const answer = found.status === 0 ? found.stdout.trim().split("\n").at(-1) : undefined;
    const [version, path] = answer ? JSON.parse(answer) : ["0", ""];
    if (!isNewEnough(version)) continue;
    rememberNode(path);
    return path;
  }
  return fail(
    `Node ${NODE_WANTED} could not be had from npm (see above). Install Node ${NODE_OLDEST.join(".")} or newer from https://nodejs.org and try again.`,
  );
}

/** The newer Node that an earlier start found, if it is still there and runs. */
function recallNode() {
  try {
    const path = readFileSync(REMEMBERED_NODE, "utf8").trim();
    const { status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    return status === 0 && isNewEnough(stdout.trim()) ? path : undefined;
  } catch {
    return undefined; // none was found yet
  }
}

function rememberNode(path) {
  try {
    mkdirSync(dirname(REMEMBERED_NODE), { recursive: true });
    writeFileSync(REMEMBERED_NODE, `${path}\n`);
  } catch {
    // It is only quicker with it. What cannot be written here is reported when it is needed.
  }
}

/** Says at once that Redis is missing, rather than after the download of everything else. */
function requireRedis() {
  const { status } = spawnSync(node, [...SOURCES, "stack/src/require-redis.ts"], {
    cwd: ROOT,
    env,
    stdio: "inherit",
  });
  if (status !== 0) process.exit(1);
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
    // npm records no hash of a package that it found in place.
    const isSameContent = found.integrity === undefined || found.integrity === entry.integrity;
    return found.version === entry.version && found.link === entry.link && isSameContent;
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
  const npm = ["ci", "--include=dev", "--include=optional", "--loglevel=error"];
  const { status } = spawnSync("npm", npm, {
    cwd: ROOT,
    env: { ...env, ...npmCacheOf(env) },
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) {
    fail(
      `npm ci failed (see above), so nothing was started. It needs the npm registry, 600 MB of disk, and the right to write to ${ROOT}.`,
    );
  }
}

/** A user without a home of its own, as in a container, has no place for npm's cache. */
function npmCacheOf({ npm_config_cache: cache, HOME: home }) {
  if (cache !== undefined) return {};
  try {
    accessSync(home ?? "", access.W_OK);
    return {};
  } catch {
    return { npm_config_cache: join(tmpdir(), `npm-cache-${process.getuid?.() ?? "syncline"}`) };
  }
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
