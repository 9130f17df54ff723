import * as pulumi from "@pulumi/pulumi";
import { type FoundPlaces, placeFaults, type VolumePlaces } from "../../model/volumePlaces.ts";
import { fault, refusalOf } from "../kit/fault.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { answerOf, ask, type AskingOptions, type Cluster } from "./connection.ts";
import { ownerAnnotation } from "./ownership.ts";

/** Checks before volumes are created or moved, and in a preview, that the nodes and directories are available; see `checkVolumePlaces`. */
export function volumePlaceHooks(ref: ClusterRef, places: VolumePlaces): pulumi.ResourceHookBinding {
  const hook = new pulumi.ResourceHook("check-volume-places", () => checkVolumePlaces(ref, places), { onDryRun: true });
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}

/** Limit of lines in the message; on a large cluster there is one for each volume. */
const maxLines = 20;

/**
 * Refuses nodes whose hostname label differs from the settings, and directories that other PersistentVolumes use. A preview need not reach the
 * cluster: see `answerOf`.
 * @throws Error with a line for each of them; or of one line that says why the cluster could not be queried
 */
export async function checkVolumePlaces(ref: ClusterRef, places: VolumePlaces, options?: AskingOptions): Promise<void> {
  const found = await answerOf(ref, query, options);
  if (found === undefined) return;
  const lines = placeFaults(places, found);
  if (lines.length === 0) return;
  const more = lines.length - maxLines;
  const shown = [...lines.slice(0, maxLines), ...(more > 0 ? [`and ${more} more`] : [])];
  throw fault(refusalOf(`the volumes cannot be created in the cluster of context "${found.context}":`, shown));
}

async function query(cluster: Cluster): Promise<FoundPlaces & { context: string }> {
  const [nodes, volumes] = await Promise.all([
    ask(cluster, (api) => api.listNode()),
    ask(cluster, (api) => api.listPersistentVolume()),
  ]);
  return {
    context: cluster.context,
    nodes: nodes.items,
    volumes: volumes.items.map(({ metadata, spec }) => ({
      metadata,
      spec,
      stack: metadata?.annotations?.[ownerAnnotation],
    })),
  };
}
