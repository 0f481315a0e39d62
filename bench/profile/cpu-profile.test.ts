import { expect, test } from "vitest";
import { readProfile, type CpuProfile } from "./cpu-profile.ts";

const frame = (functionName: string) => ({ functionName, url: "", lineNumber: 0 });
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 3] },
    { id: 2, callFrame: frame("(idle)") },
    { id: 3, callFrame: frame("drain"), children: [4] },
    { id: 4, callFrame: frame("plan") },
  ],
  startTime: 0,
  //  at 1,000  2,000  3,000  4,000  6,000 µs
  samples: [3, 4, 2, 4, 3],
  timeDeltas: [1_000, 1_000, 1_000, 1_000, 2_000],
};

test("a function's time is that of its samples between the two times, without idle time", () => {
  const { root, selfTimes, idleMs, wallMs } = readProfile(PROFILE, 2_000, 6_000);
  expect(selfTimes.filter(({ selfMs }) => selfMs > 0)).toEqual([{ name: "plan", selfMs: 3 }]);
  expect({ idleMs, wallMs }).toEqual({ idleMs: 1, wallMs: 4 });
  expect(root).toEqual({
    name: "(root)",
    value: 3,
    children: [{ name: "drain", value: 3, children: [{ name: "plan", value: 3, children: [] }] }],
  });
});
