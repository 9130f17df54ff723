/** The cluster as a picture shows it: the nodes with what is on them, and the pods that are on none. */
import { zoneLabel, type Component, type Layout, type NodeRole } from "../../model/layouts/layout.ts";
import { taintText } from "./explain.ts";
import {
  byName,
  compareNames,
  type NodeView,
  type Observation,
  type PodView,
  type Room,
  type VolumeView,
} from "../cluster/observe.ts";
import { componentOf } from "./plan.ts";
import { whyWaiting } from "./rows.ts";
import type { Move, WhatIf } from "../failures/whatIf.ts";

export interface MappedPod {
  name: string;
  /** The name without what is drawn by lot. */
  title: string;
  component: Component | undefined;
  state: PodView["state"];
  /** Whether it came from a node that was lost or drained. */
  arrived: boolean;
  /** Why it waits, or why it was not evicted. */
  why: string | undefined;
}

/** A pod that was on a node before that was lost or drained. */
export interface DepartedPod {
  title: string;
  component: Component | undefined;
  /** The node it runs on now; none where it waits. */
  to: string | undefined;
}

export interface MappedNode {
  name: string;
  /** None for nodes that are not the layout's. */
  role: NodeRole | undefined;
  zone: string | undefined;
  /** As kubectl writes them. */
  taints: string[];
  fate: WhatIf["kind"] | undefined;
  pods: MappedPod[];
  departed: DepartedPod[];
  /** Volumes that are pinned to it. */
  volumes: VolumeView[];
  allocatable: Room;
  /** What the pods on it ask for. Only pods of the stack's namespace are seen. */
  requested: Room;
}

export interface ClusterMap {
  nodes: MappedNode[];
  /** Pods that run on no node. */
  waiting: MappedPod[];
}

/** The cluster after `up`. */
export function mapOf(seen: Observation, layout: Layout): ClusterMap {
  const pods = seen.pods.map((pod) => ({ pod, place: pod.node, arrived: false, why: undefined }));
  return assemble(seen, layout, pods);
}

/** The cluster once nodes were lost or drained. A node that is no longer there is taken from `before`. */
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
    // A lost node runs nothing: what is still written down for it waits, unless it is over or runs elsewhere already.
    const elsewhere = moves.some(({ title, to }) => title === pod.title && to !== undefined);
    return elsewhere || isOver(pod) ? [] : [{ pod, place: undefined, arrived: false, why: stuck?.why }];
  });
  const vanished = whatIf.nodes.filter((name) => !after.nodes.some((node) => node.name === name));
  const nodes = [...after.nodes, ...(before?.nodes.filter(({ name }) => vanished.includes(name)) ?? [])].sort(byName);
  return assemble({ ...after, nodes }, layout, pods, { kind, nodes: whatIf.nodes, moves });
}

interface PlacedPod {
  pod: PodView;
  /** The node it is shown on. */
  place: string | undefined;
  arrived: boolean;
  why: string | undefined;
}

/** What was taken away, its moves with the titles of their pods. */
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
      fate: change?.nodes.includes(node.name) ? change.kind : undefined,
      pods: here.map((one) => mapped(one, one.why)).sort(byTitle),
      departed: moves
        .filter(({ from, title }) => from === node.name && !here.some(({ pod }) => pod.title === title))
        .map(({ title, component, to }) => ({ title, component, to }))
        .sort(byTitle),
      volumes: volumesOn(node, seen.volumes),
      allocatable: node.allocatable,
      requested: sum(here.filter(({ pod }) => !isOver(pod)).map(({ pod }) => pod.requests)),
    };
  });
  const waiting = pods
    .filter(({ pod, place }) => place === undefined && !isOver(pod))
    .map((one) => mapped(one, one.why ?? whyWaiting(one.pod, seen)));
  // A pod that was not made anew is told by its move alone.
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

function isOver({ state }: PodView): boolean {
  return state === "done" || state === "failed";
}

function sum(rooms: readonly Room[]): Room {
  return rooms.reduce((all, { cpu, memory }) => ({ cpu: all.cpu + cpu, memory: all.memory + memory }), {
    cpu: 0,
    memory: 0,
  });
}

function byTitle(a: { title: string }, b: { title: string }): number {
  return compareNames(a.title, b.title);
}

/** Nodes of one role, in the order of the layout; those that are not the layout's come last. */
export interface NodeGroup {
  title: string;
  nodes: MappedNode[];
  /** Every zone of the map, in order, where all nodes of the group have one; empty where not. */
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
    const mine = nodes.filter((node) => node.role === role);
    if (mine.length === 0) return [];
    const title = role === undefined ? "Other nodes" : roleTitles[role];
    return [{ title, nodes: mine, zones: mine.every(({ zone }) => zone !== undefined) ? zones : [] }];
  });
}

/** What a pod does, in one or two words. */
export function stateText({ state, arrived, why }: MappedPod): string {
  if (state === "pending") return "waits";
  if (state === "ready") return arrived ? "arrived" : why === undefined ? "ready" : "stays";
  return arrived ? `arrived, ${state}` : state;
}

/** Only the nodes that something happened to. */
export function touched({ nodes, waiting }: ClusterMap): ClusterMap {
  return {
    nodes: nodes.filter(({ fate, pods }) => fate !== undefined || pods.some(({ arrived }) => arrived)),
    waiting,
  };
}
