import type { z } from "zod";
import * as scalar from "../scalars.ts";
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

export const chartSchema = scalar
  .object({
    version: scalar.oneOf(supportedChartVersions).default(defaultChartVersion).meta({
      description: "Version of Pulsar's Helm chart.",
      change: "A change between the chart lines 2.7 and 4 is a migration and is refused.",
    }),
    source: scalar.chartSource
      .default("https://pulsar.apache.org/charts")
      .describe(
        "Helm repository, `oci://` address, path of a chart of that version, or `repository/chart` as `helm repo add` names it.",
      ),
    timeoutMinutes: scalar
      .wholeNumber(1, 1440)
      .default(30)
      .describe("How long Helm waits for pods and init Jobs, in minutes."),
  })
  .prefault({})
  .describe("Pulsar's Helm chart.");

export type ChartSettings = z.output<typeof chartSchema>;
