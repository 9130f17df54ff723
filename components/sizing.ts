import type { Component, NodeRole } from "./layouts/layout.ts";

/** What one pod of a component asks for. Whatever is left out is the chart's own default, which suits a toy. */
export interface PodSize {
  /** Kubernetes quantities: what the scheduler keeps free for it. */
  requests?: { cpu?: string | undefined; memory?: string | undefined } | undefined;
  limits?: { cpu?: string | undefined; memory?: string | undefined } | undefined;
  /** The JVM's heap, first and last size alike; a Kubernetes quantity. */
  heap?: string | undefined;
  /** The JVM's memory outside the heap, for Netty's buffers and BookKeeper's caches; a Kubernetes quantity. */
  direct?: string | undefined;
  /** Name of a PriorityClass of the cluster. */
  priorityClass?: string | undefined;
}

/** What is sized: everything that keeps running. */
export type SizedComponent = Exclude<Component, "init">;
export type PodSizes = Record<SizedComponent, PodSize>;

/** What a node offers to pods, as Kubernetes quantities (`status.allocatable`). */
export interface NodeSize {
  cpu?: string | undefined;
  memory?: string | undefined;
}

interface Share {
  /** On which nodes it runs where each role has its own. */
  role: NodeRole;
  /** Part of the node that one pod gets, of CPU and memory alike. */
  ofNode: number;
  /** What it gets at most: cores and bytes. */
  atMost: { cpu: number; memory: number };
  /** Parts of the pod's memory; what is left is for the JVM itself and the page cache. */
  heap?: number;
  direct?: number;
}

const Gi = 2 ** 30;
const unbounded = { cpu: Number.POSITIVE_INFINITY, memory: Number.POSITIVE_INFINITY };

/**
 * What a pod gets of its node in the dedicated layout. A serving node has room for one broker and one proxy (hard anti-affinity) and all
 * of the rest at once, with a tenth to spare for the init Jobs. The bookie leaves half of its memory to the page cache, from which fresh
 * ledgers are read. Heaps stay below the 32 GiB from which on a JVM's pointers grow.
 */
const shares: Record<SizedComponent, Share> = {
  zookeeper: { role: "zookeeper", ofNode: 0.75, atMost: { cpu: 4, memory: 8 * Gi }, heap: 0.5, direct: 0.25 },
  bookkeeper: { role: "bookkeeper", ofNode: 0.85, atMost: unbounded, heap: 0.2, direct: 0.3 },
  broker: {
    role: "serving",
    ofNode: 0.5,
    atMost: { cpu: Number.POSITIVE_INFINITY, memory: 64 * Gi },
    heap: 0.4,
    direct: 0.4,
  },
  proxy: { role: "serving", ofNode: 0.15, atMost: { cpu: 8, memory: 16 * Gi }, heap: 0.4, direct: 0.4 },
  autorecovery: { role: "serving", ofNode: 0.08, atMost: { cpu: 1, memory: 2 * Gi }, heap: 0.4, direct: 0.3 },
  toolset: { role: "serving", ofNode: 0.06, atMost: { cpu: 0.5, memory: 1 * Gi }, heap: 0.25, direct: 0.25 },
  manager: { role: "serving", ofNode: 0.08, atMost: { cpu: 1, memory: 2 * Gi } },
};

const heapLimit = 31 * Gi;

/**
 * What each pod asks for: what is given, and the rest derived. Memory is limited to what is requested, so that a node is never short of
 * what was promised; CPU is not limited, because a throttled broker is a slow one.
 *
 * @param nodeSizes what the smallest node of each role offers; where it is not known, nothing is derived from it
 */
export function podSizes(
  given: Partial<Record<SizedComponent, PodSize>>,
  nodeSizes: Partial<Record<NodeRole, NodeSize>>,
): PodSizes {
  const size = (component: SizedComponent) => podSize(given[component] ?? {}, shares[component], nodeSizes);
  return {
    zookeeper: size("zookeeper"),
    bookkeeper: size("bookkeeper"),
    broker: size("broker"),
    proxy: size("proxy"),
    autorecovery: size("autorecovery"),
    toolset: size("toolset"),
    manager: size("manager"),
  };
}

function podSize(given: PodSize, share: Share, nodeSizes: Partial<Record<NodeRole, NodeSize>>): PodSize {
  const node = nodeSizes[share.role];
  // A limit alone is the request as well, as it is to Kubernetes: what is derived might be more, and the pod would be refused.
  const cpu = given.requests?.cpu ?? given.limits?.cpu ?? part(node?.cpu, share.ofNode, share.atMost.cpu, cores);
  const requested =
    given.requests?.memory ?? given.limits?.memory ?? part(node?.memory, share.ofNode, share.atMost.memory, mebibytes);
  const memory = given.limits?.memory ?? requested;
  return {
    requests: quantities(cpu, requested),
    limits: quantities(given.limits?.cpu, memory),
    heap: given.heap ?? part(memory, share.heap, heapLimit, mebibytes),
    direct: given.direct ?? part(memory, share.direct, Number.POSITIVE_INFINITY, mebibytes),
    priorityClass: given.priorityClass,
  };
}

function quantities(cpu: string | undefined, memory: string | undefined): PodSize["requests"] {
  return cpu === undefined && memory === undefined ? undefined : { cpu, memory };
}

function part(
  of: string | undefined,
  share: number | undefined,
  atMost: number,
  written: (amount: number) => string,
): string | undefined {
  return of === undefined || share === undefined ? undefined : written(Math.min(amount(of) * share, atMost));
}

const factors: Record<string, number> = {
  "": 1,
  m: 1e-3,
  ...Object.fromEntries(["k", "M", "G", "T", "P", "E"].map((unit, i) => [unit, 1000 ** (i + 1)])),
  ...Object.fromEntries(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((unit, i) => [unit, 1024 ** (i + 1)])),
};

/** A Kubernetes quantity as a number: cores or bytes. @throws Error for what is none; the settings let none through */
export function amount(quantity: string): number {
  const [, digits = "", unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = factors[unit];
  if (digits === "" || factor === undefined) throw new Error(`${quantity} is no quantity`);
  return Number(digits) * factor;
}

/** Tenths of a core, so that the preview can be read; what is less than one as it is. */
function cores(count: number): string {
  return `${String(count < 0.1 ? Math.floor(count * 1000) : Math.floor(count * 10) * 100)}m`;
}

/** Whole Mi; steps of 128 Mi where there is enough. */
export function mebibytes(bytes: number): string {
  const whole = Math.floor(bytes / 2 ** 20);
  return `${String(whole < 1024 ? whole : whole - (whole % 128))}Mi`;
}
