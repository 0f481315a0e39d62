#!/usr/bin/env node
// The part of curl that the documentation's examples use, so that the tests run without curl.
const headers = {};
let url;
let body;
for (let args = process.argv.slice(2); args.length > 0;) {
  const argument = args.shift();
  if (argument === "-H") {
    const [name, ...value] = args.shift().split(":");
    headers[name] = value.join(":").trim();
  } else if (argument === "-d") body = args.shift();
  else if (argument.startsWith("http")) url = argument;
  else if (argument !== "-sS") throw new Error(`unsupported argument ${argument}`);
}
const response = await fetch(url, { method: body === undefined ? "GET" : "POST", headers, body });
process.stdout.write(await response.text());
