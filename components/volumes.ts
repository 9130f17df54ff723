import type { Placement } from "./layouts/layout.ts";
import { claimName, type Volume } from "./charts/names.ts";

/** One local volume: a directory on a node, and the claim it is kept for. */
export interface PlannedVolume {
  /** Name of the PersistentVolume and of the claim it is bound to, as in the seed. */
  claim: string;
  volume: Volume;
  ordinal: number;
  /** Name of the node whose disk holds it. */
  node: string;
  /** The node's `kubernetes.io/hostname` label. */
  hostname: string;
  /** Directory on the node. */
  path: string;
  /** A Kubernetes quantity, such as 50Gi. */
  size: string;
}

export interface VolumePlanArgs {
  release: string;
  /** In the stack's order; ordinals are pinned to `placement.nodes`, in that order. */
  nodes: { name: string; hostname: string }[];
  placements: { zookeeper: Placement; bookkeeper: Placement };
  /** Absolute path on every node under which the directories lie. */
  dataDirectory: string;
  /** Kubernetes quantities. */
  sizes: Record<Volume, string>;
}

/** Directories below the data directory, as the seed makes them (section 1.4). */
const directories: Record<Volume, string> = {
  "zookeeper-data": "zookeeper-data",
  "bookie-journal": "bookie-data/journal",
  "bookie-ledgers": "bookie-data/ledgers",
};

/** The volumes of a stack: one a ZooKeeper (data) and two a bookie (journal, ledgers); ordinal i is on node i of its placement. */
export function planVolumes(args: VolumePlanArgs): PlannedVolume[] {
  const of = (volume: Volume, { replicas, nodes }: Placement): PlannedVolume[] =>
    nodes.slice(0, replicas).map((node, ordinal) => ({
      claim: claimName(args.release, volume, ordinal),
      volume,
      ordinal,
      node,
      hostname: args.nodes.find((other) => other.name === node)?.hostname ?? node,
      path: `${args.dataDirectory}/${directories[volume]}`,
      size: args.sizes[volume],
    }));
  return [
    ...of("zookeeper-data", args.placements.zookeeper),
    ...of("bookie-journal", args.placements.bookkeeper),
    ...of("bookie-ledgers", args.placements.bookkeeper),
  ];
}
