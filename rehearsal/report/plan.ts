import type { Component, Layout } from "../../model/layouts/layout.ts";
import { enumerate } from "./explain.ts";
import type { PodView } from "../cluster/observe.ts";

/** What the chart (2.7.7 and 4.7.0) and the stack's own Jobs call the components in their pods' `component` label. */
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

/**
 * Which of the layout's components a `component` label means: the table above, `init` for the Jobs `bookie-init`, `pulsar-init` and, of chart
 * 4.7.0, `pulsar-manager-init`. Pods of the chart's hooks carry none.
 */
export function componentOf(label: string | undefined): Component | undefined {
  if (label?.endsWith("-init")) return "init";
  return label === undefined ? undefined : labels[label];
}

/**
 * Where the pods are not as the layout has them: on another node than the rule of their placement allows, or not as many as it says. Pods
 * that have no node yet are not judged. The layout knows of no pods but the chart's and the stack's.
 *
 * @param deployed whether `up` came to its end; otherwise pods may just not have been made yet, and only too many are told
 */
export function offPlan(pods: readonly PodView[], layout: Layout, deployed: boolean): string[] {
  const { placements } = layout;
  const marked = new Set(layout.nodes.map(({ name }) => name));
  return (Object.keys(placements) as Component[]).flatMap((component) => {
    const { replicas, nodes, rule, overZones } = placements[component];
    const mine = pods.filter((pod) => componentOf(pod.component) === component && pod.state !== "ending");
    const faults = mine.flatMap((pod) => {
      if (pod.node === undefined) return [];
      if (nodes.length === 0)
        return marked.has(pod.node) ? [`${pod.name} is on ${pod.node}; planned: a node outside the stack`] : [];
      const planned = rule === "ordinal" ? nodes.slice(ordinalOf(pod.name), ordinalOf(pod.name) + 1) : nodes;
      if (planned.includes(pod.node)) return [];
      return [`${pod.name} is on ${pod.node}; planned: ${planned.length === 0 ? "nowhere" : alternatives(planned)}`];
    });
    if (rule === "spread") faults.push(...sharing(mine));
    if (overZones) faults.push(...unevenly(component, mine, layout));
    // Jobs come and go; whether they complete is told by the Jobs themselves.
    if (component !== "init" && (mine.length > replicas || (deployed && mine.length < replicas))) {
      faults.push(`${component}: ${mine.length} pods; planned: ${replicas}`);
    }
    return faults;
  });
}

function sharing(pods: readonly PodView[]): string[] {
  const nodes = [...new Set(pods.flatMap(({ node }) => node ?? []))];
  return nodes.flatMap((node) => {
    const together = pods.filter((pod) => pod.node === node).map(({ name }) => name);
    return together.length < 2 ? [] : [`${enumerate(together)} are all on ${node}; planned: one on each node`];
  });
}

/** Pods that crowd in one zone. Those that have no node yet do not count. */
function unevenly(component: Component, pods: readonly PodView[], { nodes, placements }: Layout): string[] {
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

function alternatives(nodes: readonly string[]): string {
  return nodes.length < 2 ? nodes.join("") : `${nodes.slice(0, -1).join(", ")} or ${nodes.at(-1) ?? ""}`;
}
