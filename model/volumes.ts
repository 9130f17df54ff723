import { posix } from "node:path";
import type { Placement } from "./layouts/layout.ts";
import { claimName, type Volume } from "./charts/names.ts";

/** One local volume: a directory on a node, and its claim. */
export interface PlannedVolume {
  /** Name of both the PersistentVolume and the claim it is bound to. */
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
  /** The setting that determines the directory, for messages: `pulsar:volumes.dataDirectory`, `pulsar:nodes[1].directories.bookie-journal`. */
  setting: string;
  /** Capacity of the volume, a Kubernetes quantity such as 50Gi; at least `request`. */
  size: string;
  /** Size that the claim requests, as in the StatefulSet's claim template: the same for all pods. */
  request: string;
}

export interface VolumePlanArgs {
  release: string;
  /** In the order of the settings. Ordinals are pinned to `placement.nodes`, in that order. */
  nodes: {
    name: string;
    hostname: string;
    /** Its setting: `pulsar:nodes[1]`. */
    setting: string;
    /** Absolute paths on this node; they take precedence over all others. */
    directories?: Partial<Record<Volume, string>> | undefined;
    /** Capacities of the volumes on this node, if they differ from `sizes`. */
    sizes?: Partial<Record<Volume, string>> | undefined;
  }[];
  placements: Record<"zookeeper" | "bookkeeper", Pick<Placement, "replicas" | "nodes">>;
  /** Absolute path of the parent directory, the same on every node. */
  dataDirectory: string;
  /** Absolute paths, the same on every node, instead of those under the data directory. */
  directories?: Partial<Record<Volume, string>> | undefined;
  /** Kubernetes quantities. */
  sizes: Record<Volume, string>;
}

/** Directories below the data directory. */
const belowDataDirectory: Record<Volume, string> = {
  "zookeeper-data": "zookeeper-data",
  "bookie-journal": "bookie-data/journal",
  "bookie-ledgers": "bookie-data/ledgers",
};

/** The volumes of a stack: one for each ZooKeeper (data), two for each bookie (journal, ledgers). Ordinal i is on node i of its placement. */
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

/** The node's own directory, otherwise that of all nodes, otherwise one below the data directory. */
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

/** Whether two absolute paths are the same or one contains the other. */
export function overlap(a: string, b: string): boolean {
  const isWithin = (inner: string, outer: string) => !/^\.\.(\/|$)/.test(posix.relative(outer, inner));
  return isWithin(a, b) || isWithin(b, a);
}

/** The first part of a volume's name is its StatefulSet. */
function podName(volume: Volume, ordinal: number): string {
  return `${volume.slice(0, volume.indexOf("-"))}-${ordinal}`;
}
