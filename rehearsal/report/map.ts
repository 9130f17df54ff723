/** The content of a diagram of the cluster: nodes with their pods and volumes, and pods without a node. */
import { zoneLabel, type Component, type Layout, type NodeRole } from "../../model/layouts/layout.ts";
import { taintText } from "./explain.ts";
import {
  byName,
  compareNames,
  isFinished,
  type NodeView,
  type Observation,
  type PodView,
  reservedFor,
  type Resources,
  type VolumeView,
} from "../cluster/observe.ts";
import { componentOf } from "./placement.ts";
import { waitingReason } from "./rows.ts";
import type { Move, WhatIf } from "../failures/whatIf.ts";

export interface MappedPod {
  name: string;
  /** The name without a random suffix. */
  title: string;
  component: Component | undefined;
  state: PodView["state"];
  /** Whether it was moved here from a lost or drained node. */
  arrived: boolean;
  /** Why it waits or was not evicted. */
  why: string | undefined;
}

/** A pod that was on a node before the node was lost or drained. */
export interface DepartedPod {
  title: string;
  component: Component | undefined;
  /** The node that it runs on now. Undefined if it waits. */
  to: string | undefined;
}

export interface MappedNode {
  name: string;
  /** Undefined for nodes outside the layout. */
  role: NodeRole | undefined;
  zone: string | undefined;
  /** As kubectl writes them. */
  taints: string[];
  failure: WhatIf["kind"] | undefined;
  pods: MappedPod[];
  departed: DepartedPod[];
  /** Volumes with an affinity to it. */
  volumes: VolumeView[];
  allocatable: Resources;
  /** The sum over its pods in the stack's namespace. */
  requested: Resources;
}

export interface ClusterMap {
  nodes: MappedNode[];
  /** Pods without a node. */
  waiting: MappedPod[];
}

/** The cluster after `up`. */
export function mapOf(seen: Observation, layout: Layout): ClusterMap {
  const pods = seen.pods.map((pod) => ({ pod, place: pod.node, arrived: false, why: undefined }));
  return assemble(seen, layout, pods);
}

/** The cluster after nodes were lost or drained. Nodes that no longer exist are taken from `before`. */
export function mapAfter(whatIf: WhatIf, before: Observation | undefined, layout: Layout): ClusterMap {
  const { after, kind } = whatIf;
  const titles = new Map([...(before?.pods ?? []), ...after.pods].map(({ name, title }) => [name, title]));
  const moves = whatIf.moves.map((move) => ({ ...move, title: titles.get(move.pod) ?? move.pod }));
  const pods = after.pods.flatMap((pod): PlacedPod[] => {
    const arrived = moves.some(({ title, to }) => title === pod.title && to !== undefined && to === pod.node);
    const stuck = moves.find(({ title, to }) => title === pod.title && to === undefined);
    if (kind === "drained" || pod.node === undefined || !whatIf.nodes.includes(pod.node)) {
      return [{ pod, place: pod.node, arrived, why: stuck?.why }];
    }
    // A lost node runs nothing. Its pods in the API wait, unless they are complete or already run on another node.
    const elsewhere = moves.some(({ title, to }) => title === pod.title && to !== undefined);
    return elsewhere || isFinished(pod) ? [] : [{ pod, place: undefined, arrived: false, why: stuck?.why }];
  });
  const deleted = whatIf.nodes.filter((name) => !after.nodes.some((node) => node.name === name));
  const nodes = [...after.nodes, ...(before?.nodes.filter(({ name }) => deleted.includes(name)) ?? [])].sort(byName);
  return assemble({ ...after, nodes }, layout, pods, { kind, nodes: whatIf.nodes, moves });
}

interface PlacedPod {
  pod: PodView;
  /** The node it is shown on. */
  place: string | undefined;
  arrived: boolean;
  why: string | undefined;
}

/** The failure, with the titles of the moved pods. */
interface Change extends Pick<WhatIf, "kind" | "nodes"> {
  moves: (Move & { title: string })[];
}

function assemble(seen: Observation, layout: Layout, pods: readonly PlacedPod[], change?: Change): ClusterMap {
  const moves = change?.moves ?? [];
  const nodes = seen.nodes.map((node): MappedNode => {
    const here = pods.filter(({ place }) => place === node.name);
    const planned = layout.nodes.find(({ name }) => name === node.name);
    return {
      name: node.name,
      role: planned?.role,
      zone: planned?.zone ?? node.labels[zoneLabel] ?? node.labels["topology.kubernetes.io/zone"],
      taints: node.taints.map(taintText),
      failure: change?.nodes.includes(node.name) ? change.kind : undefined,
      pods: here.map((one) => mapped(one, one.why)).sort(byTitle),
      departed: moves
        .filter(({ from, title }) => from === node.name && !here.some(({ pod }) => pod.title === title))
        .map(({ title, component, to }) => ({ title, component, to }))
        .sort(byTitle),
      volumes: volumesOn(node, seen.volumes),
      allocatable: node.allocatable,
      requested: reservedFor(here.map(({ pod }) => pod)),
    };
  });
  const waiting = pods
    .filter(({ pod, place }) => place === undefined && !isFinished(pod))
    .map((one) => mapped(one, one.why ?? waitingReason(one.pod, seen)));
  // Pods that were not created again exist in the moves only.
  const missing = moves
    .filter(({ title, to }) => to === undefined && !pods.some(({ pod }) => pod.title === title))
    .map(({ pod, title, component, why }): MappedPod => {
      return { name: pod, title, component, state: "pending", arrived: false, why };
    });
  return { nodes, waiting: [...waiting, ...missing].sort(byTitle) };
}

function mapped({ pod, arrived }: PlacedPod, why: string | undefined): MappedPod {
  const { name, title, component, state } = pod;
  return { name, title, component: componentOf(component), state, arrived, why };
}

function volumesOn({ name, labels }: NodeView, volumes: readonly VolumeView[]): VolumeView[] {
  return volumes.filter(({ hostnames }) => hostnames.includes(labels["kubernetes.io/hostname"] ?? name)).sort(byName);
}

function byTitle(a: { title: string }, b: { title: string }): number {
  return compareNames(a.title, b.title);
}

/** The nodes of one role. The nodes outside the layout are a group, too. */
export interface NodeGroup {
  title: string;
  nodes: MappedNode[];
  /** All zones of the cluster, sorted. Empty if a node of the group has none. */
  zones: string[];
}

const roleTitles: Record<NodeRole, string> = {
  zookeeper: "ZooKeeper nodes",
  bookkeeper: "Bookie nodes",
  serving: "Serving nodes",
  everything: "Nodes for all components",
};

export function groupsOf({ nodes }: ClusterMap): NodeGroup[] {
  const zones = [...new Set(nodes.flatMap(({ zone }) => zone ?? []))].sort(compareNames);
  const roles = ["zookeeper", "bookkeeper", "serving", "everything", undefined] as const;
  return roles.flatMap((role) => {
    const members = nodes.filter((node) => node.role === role);
    if (members.length === 0) return [];
    const title = role === undefined ? "Other nodes" : roleTitles[role];
    return [{ title, nodes: members, zones: members.every(({ zone }) => zone !== undefined) ? zones : [] }];
  });
}

/** The state of a pod in one or two words. */
export function stateText({ state, arrived, why }: MappedPod): string {
  if (state === "pending") return "waits";
  if (state === "ready") return arrived ? "arrived" : why === undefined ? "ready" : "stays";
  return arrived ? `arrived, ${state}` : state;
}

/** A map of the failed nodes and of those that pods moved to. */
export function affectedNodes({ nodes, waiting }: ClusterMap): ClusterMap {
  return {
    nodes: nodes.filter(({ failure, pods }) => failure !== undefined || pods.some(({ arrived }) => arrived)),
    waiting,
  };
}
