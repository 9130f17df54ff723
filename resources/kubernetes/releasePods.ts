import * as pulumi from "@pulumi/pulumi";
import type { CoreV1Event, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, type Cluster, connect } from "./connection.ts";
import { isReady } from "./pods.ts";

/** A Helm release. */
interface ReleaseRef {
  namespace: string;
  release: string;
}

/** Names the pods that keep a release from being ready when Helm gives up; Helm itself says "context deadline exceeded". */
export function failureHook(ref: ClusterRef, where: ReleaseRef): pulumi.ErrorHook {
  return new pulumi.ErrorHook("explain-helm-failure", async () => {
    if (pulumi.runtime.isDryRun()) return false;
    const reasons = await unreadyPods(ref, where).catch((error: unknown) => [
      `its pods cannot be listed: ${error instanceof Error ? error.message : String(error)}`,
    ]);
    if (reasons.length > 0)
      await pulumi.log.error(`Helm release ${where.release} is not ready:\n${reasons.join("\n")}`);
    return false;
  });
}

async function unreadyPods(ref: ClusterRef, { namespace, release }: ReleaseRef): Promise<string[]> {
  const cluster = await connect(ref);
  // The stack's own Jobs have no label `cluster`.
  const labelSelector = `release=${release},cluster`;
  const { items: pods } = await ask(cluster, (api) => api.listNamespacedPod({ namespace, labelSelector }));
  const fieldSelector = "reason=Unhealthy";
  const { items: events } = await ask(cluster, (api) => api.listNamespacedEvent({ namespace, fieldSelector }));
  return whyUnready(pods, events);
}

/** A line for each pod that is neither ready nor done, with its last known state and the command that shows its log. */
export function whyUnready(pods: readonly V1Pod[], events: readonly CoreV1Event[]): string[] {
  const done = pods.filter(({ status }) => status?.phase === "Succeeded").map(ownerOf);
  return pods
    .filter((pod) => !isReady(pod) && pod.status?.phase !== "Succeeded")
    .filter((pod) => pod.status?.phase !== "Failed" || !done.includes(ownerOf(pod)))
    .map((pod) => {
      const name = pod.metadata?.name ?? "";
      const namespace = pod.metadata?.namespace ?? "";
      const node = pod.spec?.nodeName === undefined ? "" : ` on ${pod.spec.nodeName}`;
      return `  ${name}${node}: ${stateOf(pod, events)}${logOf(pod, namespace, name)}`;
    });
}

function ownerOf({ metadata }: V1Pod): string | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller)?.uid;
}

function stateOf(pod: V1Pod, events: readonly CoreV1Event[]): string {
  const { metadata, spec, status } = pod;
  if (metadata?.deletionTimestamp !== undefined) return "it is terminating";
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False") return `it is not scheduled: ${scheduled.message ?? "no reason given"}`;
  if (spec?.nodeName === undefined) return "it is not scheduled";
  const container = firstUnready(pod);
  if (container === undefined) return "its containers have not started";
  const { name, state, lastState, restartCount } = container;
  const before = lastState?.terminated === undefined ? "" : `; before, it ended with ${endOf(lastState.terminated)}`;
  if (state?.terminated !== undefined) return `container ${name} ended with ${endOf(state.terminated)}`;
  if (state?.waiting !== undefined) {
    const { reason = "unknown", message } = state.waiting;
    return `container ${name} waits: ${reason}${message === undefined ? "" : `: ${message}`}${before}`;
  }
  const failing = events.filter(({ involvedObject }) => involvedObject.uid === metadata?.uid).sort(byTime);
  const probe = failing.at(-1)?.message;
  return (
    `container ${name} runs, with ${restartCount === 1 ? "1 restart" : `${restartCount} restarts`}, and is not ready` +
    `${probe === undefined ? "" : `: ${probe.trim()}`}${before}`
  );
}

/** An init container counts as ready once it has succeeded. */
function firstUnready({ status }: V1Pod): V1ContainerStatus | undefined {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.find(({ ready, state }) => !ready && state?.terminated?.exitCode !== 0);
}

function endOf({ exitCode, reason }: { exitCode: number; reason?: string }): string {
  return `exit code ${exitCode}${reason === undefined || reason === "Error" ? "" : ` (${reason})`}`;
}

function byTime(a: CoreV1Event, b: CoreV1Event): number {
  return timeOf(a) - timeOf(b);
}

function timeOf({ lastTimestamp, eventTime }: CoreV1Event): number {
  return (lastTimestamp ?? eventTime)?.getTime() ?? 0;
}

/**
 * The command to read the log with. The log itself is not printed: Spring quotes a password that it cannot resolve. The manager's backend logs to
 * a file (v0.2.0 and v0.4.0).
 */
function logOf(pod: V1Pod, namespace: string, name: string): string {
  const container = firstUnready(pod);
  if (container === undefined || container.state?.waiting?.reason?.includes("Image")) return "";
  const isManager = pod.metadata?.labels?.component === "pulsar-manager" && container.state?.running !== undefined;
  const command = isManager
    ? `exec -n ${namespace} ${name} -- tail -n 50 /pulsar-manager/pulsar-manager.log`
    : `logs -n ${namespace} ${name} -c ${container.name}`;
  return `. Its log: kubectl ${command}`;
}

/**
 * Deletes the manager's workload before an upgrade if its pod is not ready; Helm creates it again. A StatefulSet would never replace such a pod
 * ("Forced rollback" in Kubernetes' docs), and the pod reads its settings only when it starts. The manager's data is in PostgreSQL.
 *
 * @returns what was deleted
 */
export async function removeUnreadyManager(ref: ClusterRef, { namespace, release }: ReleaseRef): Promise<string[]> {
  const cluster = await connect(ref);
  const which = { namespace, labelSelector: `release=${release},component=pulsar-manager` };
  const { items: pods } = await ask(cluster, (api) => api.listNamespacedPod(which));
  if (pods.every(isReady)) return [];
  return deleteWorkloads(cluster, which);
}

async function deleteWorkloads(
  cluster: Cluster,
  which: { namespace: string; labelSelector: string },
): Promise<string[]> {
  const { AppsV1Api } = await import("@kubernetes/client-node");
  const apps = cluster.client(AppsV1Api);
  const { namespace } = which;
  const sets = await ask(cluster, () => apps.listNamespacedStatefulSet(which));
  const deployments = await ask(cluster, () => apps.listNamespacedDeployment(which));
  const deleted: string[] = [];
  for (const { metadata } of sets.items) {
    const name = metadata?.name ?? "";
    await ask(cluster, () => apps.deleteNamespacedStatefulSet({ name, namespace }));
    deleted.push(`StatefulSet ${name}`);
  }
  for (const { metadata } of deployments.items) {
    const name = metadata?.name ?? "";
    await ask(cluster, () => apps.deleteNamespacedDeployment({ name, namespace }));
    deleted.push(`Deployment ${name}`);
  }
  return deleted;
}
