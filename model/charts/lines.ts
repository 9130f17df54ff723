import type { ChartLine } from "./cluster.ts";
import { line27 } from "./line27/line.ts";
import { line4 } from "./line4/line.ts";

/** The supported chart versions, each with its line; the newest first. */
const lines = { "4.7.0": line4, "2.7.7": line27 } as const satisfies Record<string, ChartLine>;

export type ChartVersion = keyof typeof lines;
export const supportedChartVersions = Object.keys(lines) as [ChartVersion, ...ChartVersion[]];

/** The version of a stack that names none. */
export const defaultChartVersion: ChartVersion = "4.7.0";

/** The line of a chart version. */
export function chartLine(version: ChartVersion): ChartLine {
  return lines[version];
}
