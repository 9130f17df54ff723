import * as pulumi from "@pulumi/pulumi";
import { fault } from "../kit/fault.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { answerInPreview, ask, type Cluster, connect, unlessMissing } from "./connection.ts";

const group = "monitoring.coreos.com";
const version = "v1";

/** Checks before PodMonitors are created, and in a preview, that the cluster has the kind; see `checkPodMonitors`. */
export function podMonitorHook(ref: ClusterRef): pulumi.ResourceHook {
  const check = () => (pulumi.runtime.isDryRun() ? previewPodMonitors(ref) : checkPodMonitors(ref));
  return new pulumi.ResourceHook("check-pod-monitors", check, { onDryRun: true });
}

/** As `checkPodMonitors`, but a preview need not reach the cluster: see `answerInPreview`. */
export async function previewPodMonitors(ref: ClusterRef): Promise<void> {
  const found = await answerInPreview(ref, query);
  if (found !== undefined) refuseMissing(found);
}

/**
 * Refuses a cluster without the kind PodMonitor.
 * @throws Error of one line: the context, the kind, and the setting that requires it; or why the cluster could not be queried
 */
export async function checkPodMonitors(ref: ClusterRef): Promise<void> {
  refuseMissing(await query(await connect(ref)));
}

interface Found {
  context: string;
  known: boolean;
}

/** Reads the list of kinds, because not every user may read the definitions. */
async function query(cluster: Cluster): Promise<Found> {
  const found = await ask(cluster, () => cluster.kinds.getAPIResources({ group, version })).catch(unlessMissing);
  return { context: cluster.context, known: found?.resources.some(({ kind }) => kind === "PodMonitor") ?? false };
}

function refuseMissing({ context, known }: Found): void {
  if (known) return;
  throw fault(
    `context "${context}" does not have the kind PodMonitor (${group}/${version}), which pulsar:monitoring.podMonitors requires; ` +
      "install the Prometheus operator's CustomResourceDefinitions first, or set pulsar:monitoring.podMonitors to false",
  );
}
