import { readFileSync } from "node:fs";
import type { Frame } from "./cpu-profile.ts";

/** A self-contained page: the flame graph, the library that draws it, and the data. */
export function flameGraphPage(title: string, root: Frame): string {
  // Inside a script element, only its own end tag must not occur.
  const embed = (text: string) => text.replaceAll("</script", "<\\/script");
  return `<!doctype html>
<meta charset="utf-8">
<title>${title}</title>
<body style="font: 14px sans-serif">
<h1 style="font-size: 18px">${title}</h1>
<p>Width is time, without the time that the process was idle. A click goes into a function; the one at the bottom leads back.
<input id="term" placeholder="find" onchange="chart.search(this.value)"></p>
<div id="chart"></div>
<script>${embed(readDist("d3", "d3.min.js"))}</script>
<script>${embed(readDist("d3-flame-graph", "d3-flamegraph.umd.min.js"))}</script>
<script>
const chart = flamegraph.default().width(window.innerWidth - 30).cellHeight(17).minFrameSize(1)
  .label((frame) => frame.data.name + ", " + Math.round(frame.value) + " ms");
d3.select("#chart").datum(${embed(JSON.stringify(root))}).call(chart);
</script>
`;
}

/** Reads a browser file that the package does not export. */
function readDist(name: string, file: string): string {
  return readFileSync(new URL(`../node_modules/${name}/dist/${file}`, import.meta.url), "utf8");
}
