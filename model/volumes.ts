import { posix } from "node:path";
import { z } from "zod";
import { claimName, type Volume } from "./charts/names.ts";
import type { Placement, StackNode } from "./layouts/layout.ts";
import * as scalar from "./scalars.ts";

/** An object with a value for each volume. */
export const perVolume = <T extends z.ZodType>(kind: T) =>
  scalar.object({
    "zookeeper-data": kind,
    "bookie-journal": kind,
    "bookie-ledgers": kind,
  } satisfies Record<Volume, T>);

export const volumesSchema = scalar
  .object({
    storageClass: scalar
      .object({
        name: scalar.name.default("local-storage"),
        create: scalar.flag.default(true).describe("false: the cluster has it already."),
      })
      .prefault({})
      .describe("StorageClass of volumes and claims."),
    dataDirectory: scalar.absolutePath
      .default("/home/pulsar/data")
      .describe("Directory on each node that holds those volumes that `directories` does not name."),
    directories: perVolume(scalar.absolutePath.optional())
      .prefault({})
      .describe("Directory of each volume on its node."),
    createDirectories: scalar.flag.default(true).describe("Whether a Job on each node creates the directories."),
    sizes: scalar
      .object({
        "zookeeper-data": scalar.quantity.default("20Gi"),
        "bookie-journal": scalar.quantity.default("50Gi"),
        "bookie-ledgers": scalar.quantity.default("50Gi"),
      })
      .prefault({})
      .describe("Size of each volume."),
  })
  .prefault({})
  .meta({
    description: "Local volumes of ZooKeeper and the bookies.",
    change: "A change of class, directory or size is refused once there is data.",
  });

export type VolumeSettings = z.output<typeof volumesSchema>;

export const movedVolumesSchema = z
  .array(
    scalar.object({
      pod: scalar.dataPod.describe("Pod, such as bookie-1."),
      from: scalar.name.describe("Node that has its data."),
      to: scalar.name.optional().meta({ description: "Node it starts on, empty.", otherwise: "the pod is removed" }),
    }),
    { error: "a list of {pod, from, to}" },
  )
  .default([])
  .meta({
    description:
      "Reviewed moves of pods whose data is given up. Any other change that separates a pod from its data is refused.",
    example: "pulsar:movedVolumes:\n  - { pod: bookie-1, from: bk-2, to: bk-9 }",
  });

/** A move of a pod whose data the stack gives up. */
export type AcceptedMove = z.output<typeof movedVolumesSchema>[number];

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

export interface VolumePlanArgs extends Pick<VolumeSettings, "dataDirectory" | "directories" | "sizes"> {
  release: string;
  /** In the order of the settings. Ordinals are pinned to `placement.nodes`, in that order. */
  nodes: (StackNode & {
    /** Its setting: `pulsar:nodes[1]`. */
    setting: string;
  })[];
  placements: Record<"zookeeper" | "bookkeeper", Pick<Placement, "replicas" | "nodes">>;
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
  const [own, everywhere] = [node?.directories?.[volume], directories[volume]];
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
