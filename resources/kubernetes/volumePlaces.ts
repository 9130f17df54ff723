import * as pulumi from "@pulumi/pulumi";
import { type FoundPlaces, placeFaults, type VolumePlaces } from "../../model/volumePlaces.ts";
import { answerInPreview, ask, type Cluster, type ClusterRef, connect, fault } from "./connection.ts";
import { ownerAnnotation } from "./ownership.ts";

/** Looks before volumes are planned or planned elsewhere, in a preview already, whether they can be there; see `checkVolumePlaces`. */
export function volumePlaceHooks(ref: ClusterRef, places: VolumePlaces): pulumi.ResourceHookBinding {
  const check = () => (pulumi.runtime.isDryRun() ? previewVolumePlaces(ref, places) : checkVolumePlaces(ref, places));
  const hook = new pulumi.ResourceHook("check-volume-places", check, { onDryRun: true });
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}

/** As `checkVolumePlaces`, but that a preview need not reach the cluster: see `answerInPreview`. */
export async function previewVolumePlaces(ref: ClusterRef, places: VolumePlaces): Promise<void> {
  const found = await answerInPreview(ref, look);
  if (found !== undefined) judge(found, places);
}

/**
 * Refuses nodes whose hostname label differs from the settings, and directories that PersistentVolumes of others have.
 * @throws Error with a line for each of them; or of one line that says why the cluster could not be asked
 */
export async function checkVolumePlaces(ref: ClusterRef, places: VolumePlaces): Promise<void> {
  judge(await look(await connect(ref)), places);
}

type Found = FoundPlaces & { context: string };

async function look(cluster: Cluster): Promise<Found> {
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

/** So many lines are enough to see what is wrong; on a large cluster there is one for each volume. */
const mostLines = 20;

function judge(found: Found, places: VolumePlaces): void {
  const lines = placeFaults(places, found);
  if (lines.length === 0) return;
  const more = lines.length - mostLines;
  throw fault(
    [
      `the volumes cannot be created in the cluster of context "${found.context}":`,
      ...lines.slice(0, mostLines).map((line) => `  - ${line}`),
      ...(more > 0 ? [`  - and ${more} more`] : []),
      "Nothing was changed.",
    ].join("\n"),
  );
}
