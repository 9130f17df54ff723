import { posix } from "node:path";
import type { Placement } from "./layouts/layout.ts";
import { claimName, type Volume } from "./charts/names.ts";

/** One local volume: a directory on a node, and the claim it is kept for. */
export interface PlannedVolume {
  /** Name of the PersistentVolume and of the claim it is bound to, as in the seed. */
  claim: string;
  volume: Volume;
  ordinal: number;
  /** The pod it belongs to, without the release's name: "bookie-1". */
  pod: string;
  /** Name of the node whose disk holds it. */
  node: string;
  /** The node's `kubernetes.io/hostname` label. */
  hostname: string;
  /** Directory on the node. */
  path: string;
  /** The key that says so, for messages: `pulsar:volumes.dataDirectory`, `pulsar:nodes[1].directories.bookie-journal`. */
  setting: string;
  /** What the volume is said to hold, a Kubernetes quantity such as 50Gi; never less than `request`. */
  size: string;
  /** What the claim asks for, the same for all pods: the StatefulSet's claim template says it too. */
  request: string;
}

export interface VolumePlanArgs {
  release: string;
  /** In the stack's order; ordinals are pinned to `placement.nodes`, in that order. */
  nodes: {
    name: string;
    hostname: string;
    /** The key that describes it: `pulsar:nodes[1]`. */
    setting: string;
    /** Absolute paths on this node, before all others. */
    directories?: Partial<Record<Volume, string>> | undefined;
    /** What the volumes on this node hold, where it differs from `sizes`. */
    sizes?: Partial<Record<Volume, string>> | undefined;
  }[];
  placements: Record<"zookeeper" | "bookkeeper", Pick<Placement, "replicas" | "nodes">>;
  /** Absolute path on every node under which the directories lie. */
  dataDirectory: string;
  /** Absolute paths, the same on every node, instead of those under the data directory. */
  directories?: Partial<Record<Volume, string>> | undefined;
  /** Kubernetes quantities. */
  sizes: Record<Volume, string>;
}

/** Directories below the data directory, as the seed makes them (section 1.4). */
const belowDataDirectory: Record<Volume, string> = {
  "zookeeper-data": "zookeeper-data",
  "bookie-journal": "bookie-data/journal",
  "bookie-ledgers": "bookie-data/ledgers",
};

/** The volumes of a stack: one a ZooKeeper (data) and two a bookie (journal, ledgers); ordinal i is on node i of its placement. */
export function planVolumes(args: VolumePlanArgs): PlannedVolume[] {
  const of = (volume: Volume, { replicas, nodes }: Pick<Placement, "replicas" | "nodes">): PlannedVolume[] =>
    nodes.slice(0, replicas).map((name, ordinal) => {
      const node = args.nodes.find((other) => other.name === name);
      return {
        claim: claimName(args.release, volume, ordinal),
        volume,
        ordinal,
        pod: podName(volume, ordinal),
        node: name,
        hostname: node?.hostname ?? name,
        ...directory(args, volume, node),
        size: node?.sizes?.[volume] ?? args.sizes[volume],
        request: args.sizes[volume],
      };
    });
  return [
    ...of("zookeeper-data", args.placements.zookeeper),
    ...of("bookie-journal", args.placements.bookkeeper),
    ...of("bookie-ledgers", args.placements.bookkeeper),
  ];
}

/** A node's own directory comes before that of all nodes, and that before the data directory. */
function directory(
  { dataDirectory, directories }: VolumePlanArgs,
  volume: Volume,
  node: VolumePlanArgs["nodes"][number] | undefined,
): Pick<PlannedVolume, "path" | "setting"> {
  const [own, everywhere] = [node?.directories?.[volume], directories?.[volume]];
  if (own !== undefined) return { path: own, setting: `${node?.setting}.directories.${volume}` };
  if (everywhere !== undefined) return { path: everywhere, setting: `pulsar:volumes.directories.${volume}` };
  return { path: `${dataDirectory}/${belowDataDirectory[volume]}`, setting: "pulsar:volumes.dataDirectory" };
}

/** Whether one of two absolute paths is the other, or lies within it. */
export function overlap(a: string, b: string): boolean {
  const isWithin = (inner: string, outer: string) => !/^\.\.(\/|$)/.test(posix.relative(outer, inner));
  return isWithin(a, b) || isWithin(b, a);
}

/** The StatefulSet of a volume is the first part of its name. */
function podName(volume: Volume, ordinal: number): string {
  return `${volume.slice(0, volume.indexOf("-"))}-${ordinal}`;
}
