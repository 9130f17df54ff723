import * as pulumi from "@pulumi/pulumi";
import { ask, type Cluster, type ClusterRef, connect, statusOf } from "./cluster.ts";

const group = "monitoring.coreos.com";
const version = "v1";

/** How long a preview waits for a cluster that does not answer. */
const previewSeconds = 3;

/** Looks before PodMonitors are made, in a preview already, whether the cluster knows the kind; see `checkPodMonitors`. */
export function podMonitorHook(ref: ClusterRef): pulumi.ResourceHook {
  const look = () => (pulumi.runtime.isDryRun() ? previewPodMonitors(ref) : checkPodMonitors(ref));
  return new pulumi.ResourceHook("check-pod-monitors", look, { onDryRun: true });
}

/**
 * As `checkPodMonitors`, but that a preview need not reach the cluster: where the stack names none, or none answers in time, nothing is
 * checked.
 *
 * @param seconds how long the cluster has to answer
 */
export async function previewPodMonitors(ref: ClusterRef, seconds = previewSeconds): Promise<void> {
  if (ref.context === undefined && ref.kubeconfig === undefined) return;
  const found = await connect(ref, seconds)
    .then(async (cluster) => ({ cluster, known: await isKnown(cluster) }))
    .catch(() => undefined);
  if (found !== undefined) judge(found.cluster, found.known);
}

/**
 * Refuses a cluster that does not know PodMonitors.
 * @throws Error of one line: the context, the kind, and the setting that asks for it; or why the cluster could not be asked
 */
export async function checkPodMonitors(ref: ClusterRef): Promise<void> {
  const cluster = await connect(ref);
  judge(cluster, await isKnown(cluster));
}

/** By the list of kinds, which everybody may read; their definitions not everybody may. */
async function isKnown(cluster: Cluster): Promise<boolean> {
  try {
    const { resources } = await ask(cluster, () => cluster.kinds.getAPIResources({ group, version }));
    return resources.some(({ kind }) => kind === "PodMonitor");
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

function judge({ context }: Cluster, known: boolean): void {
  if (known) return;
  const message =
    `context "${context}" knows no PodMonitor (${group}/${version}), which pulsar:monitoring.podMonitors asks for: ` +
    "install the Prometheus operator's CustomResourceDefinitions first, or set pulsar:monitoring.podMonitors to false";
  // Of a hook's fault the engine shows the stack.
  throw Object.assign(new Error(message), { stack: message });
}
