/** A metric in the output of `/metrics`. */
export interface MetricFamily {
  name: string;
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const LINE = /^(?<name>\w+)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads the metrics of a process, by name. */
export async function scrape(serviceUrl: string): Promise<Map<string, MetricFamily>> {
  const response = await fetch(`${serviceUrl}/metrics`);
  if (!response.ok) throw new Error(`GET ${serviceUrl}/metrics was answered ${response.status}`);
  const familyByName = new Map<string, MetricFamily>();
  let family: MetricFamily = { name: "", type: "", help: "", samples: [] };
  for (const line of (await response.text()).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") {
      family = { name, type: "", help: rest, samples: [] };
      familyByName.set(name, family);
    } else if (kind === "TYPE") family.type = rest;
    else {
      const sample = LINE.exec(line)?.groups;
      if (sample === undefined) continue;
      const labels = [...(sample["labels"] ?? "").matchAll(LABEL)].map(([, key = "", value = ""]) => [
        key,
        value,
      ]);
      family.samples.push({
        name: sample["name"] ?? "",
        labels: Object.fromEntries(labels) as Record<string, string>,
        value: Number(sample["value"]),
      });
    }
  }
  return familyByName;
}

/** The value of a metric's only series with these labels, and maybe others; a histogram's count. */
export function valueOf(
  families: ReadonlyMap<string, MetricFamily> | undefined,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const family = families?.get(name);
  const sampleName = family?.type === "histogram" ? `${name}_count` : name;
  const found = family?.samples.filter(
    (sample) =>
      sample.name === sampleName &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found !== undefined && found.length > 1)
    throw new Error(`${name} has several series with these labels`);
  return found?.[0]?.value;
}
