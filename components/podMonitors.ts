import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ChartLine } from "../model/charts/cluster.ts";
import { fullName } from "../model/charts/names.ts";

export interface PodMonitorsArgs {
  namespace: pulumi.Input<string>;
  /** Helm release whose pods are watched. */
  release: string;
  line: Pick<ChartLine, "pods">;
  /** How often each pod is asked: "60s". Changing it restarts nothing. */
  interval: string;
  /** What Prometheus selects PodMonitors by (its `podMonitorSelector`). */
  labels: Record<string, string>;
  /** Looks whether the cluster knows the kind: see `podMonitorHook`. */
  hook: pulumi.ResourceHook;
}

/** The components that have metrics, by the label of their pods, each with the name of the port they are on. */
export function metricsPorts({ pods }: Pick<ChartLine, "pods">): [component: string, port: string][] {
  return [
    ["zookeeper", "http"],
    ["bookie", "http"],
    ["recovery", "http"],
    ["broker", "http"],
    ["proxy", pods.proxyHttp.name],
  ];
}

/**
 * Tells the Prometheus operator which pods to ask for metrics, by a PodMonitor for each component that has some. The charts' own are not
 * used: 2.7.7's watch every release of every namespace under one name.
 *
 * The pods keep their `prometheus.io/*` annotations, which the operator does not look at: to take them away would restart every pod, and with
 * chart 2.7.7 there is no way to. A Prometheus that goes by them as well has to be told to leave these pods out.
 *
 * They go before the release. They need none of its pods, and where the cluster does not know the kind nothing is installed yet.
 */
export class PodMonitors extends pulumi.ComponentResource {
  constructor(name: string, args: PodMonitorsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:PodMonitors", name, {}, opts);
    const { namespace, release, line, interval, labels, hook } = args;
    let first: pulumi.Resource | undefined;
    for (const [component, port] of metricsPorts(line)) {
      const monitor = new k8s.apiextensions.CustomResource(
        `${name}-${component}`,
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "PodMonitor",
          metadata: { name: `${fullName(release)}-${component}`, namespace, labels },
          spec: {
            selector: { matchLabels: { app: "pulsar", release, component } },
            podMetricsEndpoints: [
              {
                port,
                path: "/metrics",
                interval,
                // Brokers with many topics take their time (chart 4.7.0 has the same).
                scrapeTimeout: interval,
                // Pulsar's own label `namespace` is that of a topic.
                honorLabels: true,
                relabelings,
              },
            ],
          },
        },
        // One asks whether the kind is known, and the others wait for it: what is wrong is said once.
        { parent: this, ...(first === undefined ? { hooks: { beforeCreate: [hook] } } : { dependsOn: first }) },
      );
      first ??= monitor;
    }
    this.registerOutputs({});
  }
}

/** The labels that Pulsar's dashboards know pods by, as both charts set them. */
const relabelings = [
  { action: "labelmap", regex: "__meta_kubernetes_pod_label_(app|cluster|component|release)" },
  { action: "replace", sourceLabels: ["__meta_kubernetes_pod_label_component"], targetLabel: "job" },
  { action: "replace", sourceLabels: ["__meta_kubernetes_namespace"], targetLabel: "kubernetes_namespace" },
  { action: "replace", sourceLabels: ["__meta_kubernetes_pod_name"], targetLabel: "kubernetes_pod_name" },
];
