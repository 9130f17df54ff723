import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import * as pulumi from "@pulumi/pulumi";
import { type ChartLine, podLabels } from "../model/charts/cluster.ts";
import { fullName } from "../model/charts/names.ts";
import { metricsPorts, type MonitoringSettings } from "../model/monitoring.ts";
import type { ClusterRef } from "../model/clusterRef.ts";
import { ofKind, podMonitorKind } from "../resources/kubernetes/requiredKind.ts";

export interface PodMonitorsArgs extends Pick<MonitoringSettings, "interval" | "labels"> {
  namespace: pulumi.Input<string>;
  /** Helm release whose pods are scraped. */
  release: string;
  line: Pick<ChartLine, "pods">;
  /** The Kubernetes cluster, which must have the PodMonitor kind. */
  cluster: ClusterRef;
}

/**
 * A PodMonitor of the Prometheus operator for each component with metrics. The charts' own PodMonitors are not used: those of 2.7.7 select
 * every release of every namespace.
 *
 * The pods keep their `prometheus.io/*` annotations: chart 2.7.7 cannot omit them, and removing them restarts every pod. A Prometheus that
 * also scrapes by these annotations must exclude the pods.
 *
 * Create it before the release: a cluster without the PodMonitor kind then fails the `up` before anything is installed.
 */
export class PodMonitors extends pulumi.ComponentResource {
  constructor(name: string, args: PodMonitorsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:PodMonitors", name, {}, opts);
    const { namespace, release, line, interval, labels, cluster } = args;
    const create = ofKind(cluster, podMonitorKind);
    for (const [component, port] of metricsPorts(line)) {
      create(
        (options) =>
          new CustomResource(
            `${name}-${component}`,
            {
              apiVersion: "monitoring.coreos.com/v1",
              kind: "PodMonitor",
              metadata: { name: `${fullName(release)}-${component}`, namespace, labels },
              spec: {
                selector: { matchLabels: podLabels(release, component) },
                podMetricsEndpoints: [
                  {
                    port,
                    path: "/metrics",
                    interval,
                    // Brokers with many topics answer slowly (chart 4.7.0 sets the same).
                    scrapeTimeout: interval,
                    // Pulsar's own label `namespace` names the namespace of a topic.
                    honorLabels: true,
                    relabelings,
                  },
                ],
              },
            },
            { parent: this, ...options },
          ),
      );
    }
    this.registerOutputs({});
  }
}

/** The labels that Pulsar's dashboards use, as both charts set them. */
const relabelings = [
  { action: "labelmap", regex: "__meta_kubernetes_pod_label_(app|cluster|component|release)" },
  { action: "replace", sourceLabels: ["__meta_kubernetes_pod_label_component"], targetLabel: "job" },
  { action: "replace", sourceLabels: ["__meta_kubernetes_namespace"], targetLabel: "kubernetes_namespace" },
  { action: "replace", sourceLabels: ["__meta_kubernetes_pod_name"], targetLabel: "kubernetes_pod_name" },
];
