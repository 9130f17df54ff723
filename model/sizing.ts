import type { z } from "zod";
import type { Component, NodeRole, StackNode } from "./layouts/layout.ts";
import * as scalar from "./scalars.ts";

/** The components that have a size: all except the Jobs. */
export type SizedComponent = Exclude<Component, "init">;

const resources = scalar.object({ cpu: scalar.cpu.optional(), memory: scalar.quantity.optional() });
const pod = scalar
  .object({
    requests: resources.optional().describe("What the scheduler reserves."),
    limits: resources.optional().describe("What the container may use at most."),
    heap: scalar.quantity.optional().describe("Heap of the JVM."),
    direct: scalar.quantity.optional().describe("Direct memory of the JVM."),
    priorityClass: scalar.name.optional().describe("PriorityClass of the pod."),
  })
  .prefault({});

export const podsSchema = scalar
  .object({
    zookeeper: pod,
    bookkeeper: pod.meta({ like: "zookeeper" }),
    broker: pod.meta({ like: "zookeeper" }),
    proxy: pod.meta({ like: "zookeeper" }),
    autorecovery: pod.meta({ like: "zookeeper" }),
    toolset: pod.meta({ like: "zookeeper" }),
    manager: pod.meta({ like: "zookeeper" }),
  } satisfies Record<SizedComponent, typeof pod>)
  .prefault({})
  .meta({
    description: "Sizes of the pods, by component.",
    otherwise:
      "derived from `cpu` and `memory` of the nodes in the dedicated layout; otherwise the chart's, with more memory for proxy, autorecovery and manager",
    example: "pulsar:pods:\n  broker:\n    requests: { cpu: 2, memory: 8Gi }\n    heap: 3Gi",
  });

/** Requests, limits and JVM memory of one pod of a component. An undefined field has the chart's default, which suits a demo. */
export type PodSize = z.output<typeof pod>;
export type PodSizes = Record<SizedComponent, PodSize>;

/** The capacity of a node for pods, as Kubernetes quantities (`status.allocatable`). */
export type NodeSize = Pick<StackNode, "cpu" | "memory">;

interface Share {
  /** The role of its nodes in the dedicated layout. */
  role: NodeRole;
  /** Fraction of the node that one pod gets, of both CPU and memory. */
  ofNode: number;
  /** Upper bound, in cores and bytes. */
  atMost: { cpu: number; memory: number };
  /** Fractions of the pod's memory. The rest is for the JVM itself and the page cache. */
  heap?: number;
  direct?: number;
  /** Lower bound of the memory, in bytes; also the request where the size of the nodes is not known. */
  least?: {
    /** Besides the heap, if `heap` is set here or the stack sets one. */
    besideHeap: number;
    /** The heap where the size of the nodes is not known. By default the chart's. */
    heap?: number;
  };
}

const Mi = 2 ** 20;
const Gi = 2 ** 30;
const unbounded = { cpu: Number.POSITIVE_INFINITY, memory: Number.POSITIVE_INFINITY };

/**
 * The share of its node that a pod gets in the dedicated layout. A serving node of 6 GiB or more has room for one broker and one proxy (hard
 * anti-affinity) and all of the rest, and a tenth stays free for the init Jobs. The bookie leaves half of its memory to the page cache, from
 * which recent ledgers are read. Heaps stay below 32 GiB, above which a JVM needs larger pointers.
 *
 * `least` is there for components whose charts (2.7.7 and 4.7.0) request less than an idle pod uses. Measured: proxy 149 MiB, recovery 130 MiB,
 * manager 558 MiB without a limit of its heap.
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
  proxy: {
    role: "serving",
    ofNode: 0.15,
    atMost: { cpu: 8, memory: 16 * Gi },
    heap: 0.4,
    direct: 0.4,
    least: { besideHeap: 256 * Mi },
  },
  autorecovery: {
    role: "serving",
    ofNode: 0.08,
    atMost: { cpu: 1, memory: 2 * Gi },
    heap: 0.4,
    direct: 0.3,
    least: { besideHeap: 256 * Mi },
  },
  toolset: { role: "serving", ofNode: 0.06, atMost: { cpu: 0.5, memory: 1 * Gi }, heap: 0.25, direct: 0.25 },
  manager: {
    role: "serving",
    ofNode: 0.08,
    atMost: { cpu: 1, memory: 2 * Gi },
    heap: 0.4,
    least: { besideHeap: 384 * Mi, heap: 256 * Mi },
  },
};

const heapLimit = 31 * Gi;

/**
 * The size of each pod: the given fields, and the others derived. Memory that is derived from the node is limited to the request, so that a
 * node never runs out of requested memory. CPU is not limited, because throttling makes a broker slow.
 *
 * @param nodeSizes the capacity of the smallest node of each role. If it is unknown, the chart's sizes apply, except for memory requests that
 * are too small for an idle pod
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
  const { least } = share;
  const needed = least && least.besideHeap + bytes(given.heap, least.heap) + bytes(given.direct);
  // In Kubernetes, a limit without a request is also the request. A derived request might be larger, and the pod would be refused.
  const cpu = given.requests?.cpu ?? given.limits?.cpu ?? part(node?.cpu, share.ofNode, share.atMost.cpu, cores);
  const requested =
    given.requests?.memory ??
    given.limits?.memory ??
    part(node?.memory, share.ofNode, share.atMost.memory, mebibytes, needed);
  const memory = given.limits?.memory ?? requested;
  return {
    requests: quantities(cpu, requested ?? written(needed)),
    limits: quantities(given.limits?.cpu, memory),
    heap: given.heap ?? part(memory, share.heap, heapLimit, mebibytes) ?? written(least?.heap),
    direct: given.direct ?? part(memory, share.direct, Number.POSITIVE_INFINITY, mebibytes),
    priorityClass: given.priorityClass,
  };
}

function bytes(quantity: string | undefined, otherwise = 0): number {
  return quantity === undefined ? otherwise : amount(quantity);
}

function written(memory: number | undefined): string | undefined {
  return memory === undefined ? undefined : mebibytes(memory);
}

function quantities(cpu: string | undefined, memory: string | undefined): PodSize["requests"] {
  return cpu === undefined && memory === undefined ? undefined : { cpu, memory };
}

function part(
  of: string | undefined,
  share: number | undefined,
  atMost: number,
  write: (amount: number) => string,
  atLeast = 0,
): string | undefined {
  if (of === undefined || share === undefined) return undefined;
  return write(Math.max(Math.min(amount(of) * share, atMost), atLeast));
}

const factors: Record<string, number> = {
  "": 1,
  m: 1e-3,
  ...Object.fromEntries(["k", "M", "G", "T", "P", "E"].map((unit, i) => [unit, 1000 ** (i + 1)])),
  ...Object.fromEntries(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((unit, i) => [unit, 1024 ** (i + 1)])),
};

/** A Kubernetes quantity as a number: cores or bytes. @throws Error if it is not a quantity; the settings are validated before */
export function amount(quantity: string): number {
  const [, digits = "", unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = factors[unit];
  if (digits === "" || factor === undefined)
    throw new Error(`${quantity} is not a quantity; use one such as 500m or 4Gi`);
  return Number(digits) * factor;
}

/** Tenths of a core, to keep the preview readable; thousandths below a tenth. */
function cores(count: number): string {
  return `${String(count < 0.1 ? Math.floor(count * 1000) : Math.floor(count * 10) * 100)}m`;
}

/** Whole Mi; in steps of 128 Mi from 1 Gi. */
export function mebibytes(bytes: number): string {
  const whole = Math.floor(bytes / 2 ** 20);
  return `${String(whole < 1024 ? whole : whole - (whole % 128))}Mi`;
}
