import type { Component, Layout } from "../components/layouts/layout.ts";
import { enumerate } from "./explain.ts";
import type { PodView } from "./observe.ts";

/** What the chart calls the components in its pods' `component` label (2.7.7). */
const labels: Record<string, Component> = {
  zookeeper: "zookeeper",
  bookie: "bookkeeper",
  broker: "broker",
  proxy: "proxy",
  recovery: "autorecovery",
  toolset: "toolset",
  "pulsar-manager": "manager",
};

/** Which of the layout's components a `component` label means: the table above, `init` for the Jobs `bookie-init` and `pulsar-init`. */
export function componentOf(label: string | undefined): Component | undefined {
  if (label?.endsWith("-init")) return "init";
  return label === undefined ? undefined : labels[label];
}

/**
 * Where the pods are not as the layout has them: on another node than the rule of their placement allows, or not as many as it says. Pods
 * that have no node yet are not judged. The layout knows of no pods outside the chart.
 *
 * @param deployed whether `up` came to its end; otherwise pods may just not have been made yet, and only too many are told
 */
export function offPlan(pods: readonly PodView[], { placements }: Layout, deployed: boolean): string[] {
  return (Object.keys(placements) as Component[]).flatMap((component) => {
    const { replicas, nodes, rule } = placements[component];
    const mine = pods.filter((pod) => componentOf(pod.component) === component && pod.state !== "ending");
    const faults = mine.flatMap((pod) => {
      if (pod.node === undefined) return [];
      const planned = rule === "ordinal" ? nodes.slice(ordinalOf(pod.name), ordinalOf(pod.name) + 1) : nodes;
      if (planned.includes(pod.node)) return [];
      return [`${pod.name} is on ${pod.node}; planned: ${planned.length === 0 ? "nowhere" : alternatives(planned)}`];
    });
    if (rule === "spread") faults.push(...sharing(mine));
    // The init Jobs come and go; whether they complete is told by the Jobs themselves.
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
    return together.length < 2 ? [] : [`${enumerate(together)} are all on ${node}; planned: one a node`];
  });
}

function ordinalOf(pod: string): number {
  return Number(/-(\d+)$/.exec(pod)?.[1] ?? Number.NaN);
}

function alternatives(nodes: readonly string[]): string {
  return nodes.length < 2 ? nodes.join("") : `${nodes.slice(0, -1).join(", ")} or ${nodes.at(-1) ?? ""}`;
}
