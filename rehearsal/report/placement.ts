import type { Component, Layout } from "../../model/layouts/layout.ts";
import { enumerate } from "./explain.ts";
import type { PodView } from "../cluster/observe.ts";

/** The `component` labels of the pods of the charts (2.7.7 and 4.7.0) and of the stack's own Jobs. */
const labels: Record<string, Component> = {
  zookeeper: "zookeeper",
  bookie: "bookkeeper",
  broker: "broker",
  proxy: "proxy",
  recovery: "autorecovery",
  toolset: "toolset",
  "pulsar-manager": "manager",
  // The stack's own Jobs (components/stackJob.ts).
  "bookie-racks": "init",
  "manager-setup": "init",
  "smoke-test": "init",
};

/** The layout's component for a `component` label. Undefined for pods of the chart's hooks, which have no label. */
export function componentOf(label: string | undefined): Component | undefined {
  // The Jobs bookie-init, pulsar-init and, in chart 4.7.0, pulsar-manager-init.
  if (label?.endsWith("-init")) return "init";
  return label === undefined ? undefined : labels[label];
}

/**
 * The differences between the pods and the layout: pods on nodes that the rule of their placement excludes, and wrong numbers of pods. Pods without
 * a node are ignored.
 *
 * @param deployed whether `up` succeeded. Otherwise missing pods are not reported, because they may not have been created yet
 */
export function placementProblems(pods: readonly PodView[], layout: Layout, deployed: boolean): string[] {
  const { placements } = layout;
  const stackNodes = new Set(layout.nodes.map(({ name }) => name));
  return (Object.keys(placements) as Component[]).flatMap((component) => {
    const { replicas, nodes, rule, overZones } = placements[component];
    const own = pods.filter((pod) => componentOf(pod.component) === component && pod.state !== "ending");
    const faults = own.flatMap((pod) => {
      if (pod.node === undefined) return [];
      if (nodes.length === 0)
        return stackNodes.has(pod.node) ? [`${pod.name} is on ${pod.node}; planned: a node outside the stack`] : [];
      const planned = rule === "ordinal" ? nodes.slice(ordinalOf(pod.name), ordinalOf(pod.name) + 1) : nodes;
      if (planned.includes(pod.node)) return [];
      return [`${pod.name} is on ${pod.node}; planned: ${planned.length === 0 ? "nowhere" : enumerate(planned, "or")}`];
    });
    if (rule === "spread") faults.push(...sharedNodes(own));
    if (overZones) faults.push(...unevenZones(component, own, layout));
    // The number of a Job's pods varies. The report contains the state of each Job.
    if (component !== "init" && (own.length > replicas || (deployed && own.length < replicas))) {
      faults.push(`${component}: ${own.length} pods; planned: ${replicas}`);
    }
    return faults;
  });
}

function sharedNodes(pods: readonly PodView[]): string[] {
  const nodes = [...new Set(pods.flatMap(({ node }) => node ?? []))];
  return nodes.flatMap((node) => {
    const together = pods.filter((pod) => pod.node === node).map(({ name }) => name);
    return together.length < 2 ? [] : [`${enumerate(together)} are all on ${node}; planned: one on each node`];
  });
}

/** A problem if one zone has at least two more pods than another. Pods without a node do not count. */
function unevenZones(component: Component, pods: readonly PodView[], { nodes, placements }: Layout): string[] {
  const zoneOf = new Map(nodes.map(({ name, zone = "" }) => [name, zone]));
  const perZone = new Map(placements[component].nodes.map((node) => [zoneOf.get(node) ?? "", 0]));
  for (const { node = "" } of pods) {
    const zone = zoneOf.get(node);
    if (zone !== undefined) perZone.set(zone, (perZone.get(zone) ?? 0) + 1);
  }
  if (Math.max(...perZone.values()) - Math.min(...perZone.values()) <= 1) return [];
  const text = [...perZone].map(([zone, count]) => `${count} in ${zone}`).join(", ");
  return [`${component}: ${text}; planned: at most one more in one zone than in another`];
}

function ordinalOf(pod: string): number {
  return Number(/-(\d+)$/.exec(pod)?.[1] ?? Number.NaN);
}
