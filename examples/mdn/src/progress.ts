/** Shows the progress of a phase. */
export interface Progress {
  advance(count: number): void;
  finish(): void;
}

const BAR_CELLS = 30;
const REDRAW_MS = 100;
/** The progress between two printed lines if there is no terminal to redraw on. */
const LINE_PERCENT = 20;

/** Rewrites one line on a terminal; prints a few plain lines otherwise. */
export function createProgress(
  label: string,
  total: number,
  out: NodeJS.WriteStream = process.stdout,
): Progress {
  const startedAt = performance.now();
  let done = 0;
  let drawnAt = startedAt;
  let percentPrinted = 0;

  const draw = (): void => {
    const share = total === 0 ? 1 : done / total;
    const rate = Math.round((done / Math.max(1, performance.now() - startedAt)) * 1000);
    const text = `${done.toLocaleString("en")}/${total.toLocaleString("en")} ${rate.toLocaleString("en")}/s`;
    if (out.isTTY) {
      const bar = "█".repeat(Math.floor(share * BAR_CELLS)).padEnd(BAR_CELLS, "░");
      out.write(`\r${label} ${bar} ${text}\x1b[K`);
    } else if (share * 100 >= percentPrinted + LINE_PERCENT) {
      percentPrinted = Math.floor((share * 100) / LINE_PERCENT) * LINE_PERCENT;
      out.write(`${label} ${text}\n`);
    }
  };

  return {
    advance(count) {
      done += count;
      if (out.isTTY && performance.now() - drawnAt < REDRAW_MS) return;
      drawnAt = performance.now();
      draw();
    },
    finish() {
      draw();
      if (out.isTTY) out.write("\n");
    },
  };
}
