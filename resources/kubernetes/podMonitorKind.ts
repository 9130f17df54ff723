import * as pulumi from "@pulumi/pulumi";
import { answerInPreview, ask, type Cluster, type ClusterRef, connect, fault, unlessMissing } from "./connection.ts";

const group = "monitoring.coreos.com";
const version = "v1";

/** Looks before PodMonitors are made, in a preview already, whether the cluster knows the kind; see `checkPodMonitors`. */
export function podMonitorHook(ref: ClusterRef): pulumi.ResourceHook {
  const check = () => (pulumi.runtime.isDryRun() ? previewPodMonitors(ref) : checkPodMonitors(ref));
  return new pulumi.ResourceHook("check-pod-monitors", check, { onDryRun: true });
}

/** As `checkPodMonitors`, but that a preview need not reach the cluster: see `answerInPreview`. */
export async function previewPodMonitors(ref: ClusterRef): Promise<void> {
  const found = await answerInPreview(ref, look);
  if (found !== undefined) judge(found);
}

/**
 * Refuses a cluster that does not know PodMonitors.
 * @throws Error of one line: the context, the kind, and the setting that asks for it; or why the cluster could not be asked
 */
export async function checkPodMonitors(ref: ClusterRef): Promise<void> {
  judge(await look(await connect(ref)));
}

interface Found {
  context: string;
  known: boolean;
}

/** By the list of kinds, which everybody may read; their definitions not everybody may. */
async function look(cluster: Cluster): Promise<Found> {
  const found = await ask(cluster, () => cluster.kinds.getAPIResources({ group, version })).catch(unlessMissing);
  return { context: cluster.context, known: found?.resources.some(({ kind }) => kind === "PodMonitor") ?? false };
}

function judge({ context, known }: Found): void {
  if (known) return;
  throw fault(
    `context "${context}" does not have the kind PodMonitor (${group}/${version}), which pulsar:monitoring.podMonitors requires; ` +
      "install the Prometheus operator's CustomResourceDefinitions first, or set pulsar:monitoring.podMonitors to false",
  );
}
