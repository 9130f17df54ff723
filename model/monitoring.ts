import { z } from "zod";
import type { ChartLine } from "./charts/cluster.ts";
import * as scalar from "./scalars.ts";

export const monitoringSchema = scalar
  .object({
    podMonitors: scalar.flag.default(false).describe("Whether there is a PodMonitor for each component with metrics."),
    interval: scalar.duration.default("60s").describe("How often Prometheus scrapes each pod."),
    labels: z
      .record(scalar.kubernetesLabelKey, scalar.kubernetesLabelValue, { error: "labels, each with its value" })
      .default({})
      .describe("Labels that Prometheus selects PodMonitors by."),
  })
  .prefault({})
  .describe("PodMonitors (monitoring.coreos.com/v1) for the Prometheus operator.");

export type MonitoringSettings = z.output<typeof monitoringSchema>;

/** The components with metrics, by the `component` label of their pods, and the name of their metrics port. */
export function metricsPorts({ pods }: Pick<ChartLine, "pods">): [component: string, port: string][] {
  return [
    ["zookeeper", "http"],
    ["bookie", "http"],
    ["recovery", "http"],
    ["broker", "http"],
    ["proxy", pods.proxyHttp.name],
  ];
}
