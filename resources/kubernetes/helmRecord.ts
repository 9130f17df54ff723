import * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, type Cluster, connect, statusOf } from "./connection.ts";
import { type KubernetesNeed, kubernetesVersionHook } from "./kubernetesVersion.ts";
import { failureHook, removeUnreadyManager } from "./releasePods.ts";

/**
 * What the stack checks and cleans up before Helm runs for a release, and reports when Helm fails.
 *
 * 1. An install or upgrade that was killed leaves its record (the Secret `sh.helm.release.v1.<release>.v<n>`) behind, as `pending-*` or, if Helm
 *    still had time to write it, as `failed`. After a pending one Helm refuses everything: "another operation (install/upgrade/rollback) is in
 *    progress" (pulumi/pulumi-kubernetes#2054). After a failed first install that is not in Pulumi's state, it refuses a second: "cannot re-use a
 *    name that is still in use". The stack's lock excludes another `up`, so such a record is a leftover. Without it, Helm continues from the
 *    previous revision, or from scratch, and takes over the objects that carry its labels.
 * 2. Helm leaves a Job of the same name as it is, so an init Job that has failed would never initialize the cluster. Helm creates a deleted one.
 * 3. A pull secret that the stack does not create must exist, or every pod waits for its image until Helm gives up.
 * 4. The cluster must not be older than the chart's objects. The preview checks this too.
 * 5. A manager that is not ready is replaced by an upgrade: see `removeUnreadyManager`.
 * 6. When Helm fails, the pods that are not ready are named.
 */
export function releaseHooks(
  cluster: ClusterRef,
  namespace: string,
  release: string,
  pullSecret: string | undefined,
  need: KubernetesNeed,
): pulumi.ResourceHookBinding {
  const hook = (name: string, operation: Operation) =>
    new pulumi.ResourceHook(name, async () => {
      if (pullSecret !== undefined) await requirePullSecret(cluster, namespace, pullSecret);
      for (const removed of await removeLeftovers(await connect(cluster), namespace, release, operation)) {
        await pulumi.log.warn(`removed ${removed}`);
      }
    });
  const version = kubernetesVersionHook(cluster, need);
  const manager = new pulumi.ResourceHook("replace-unready-manager", async () => {
    for (const workload of await removeUnreadyManager(cluster, { namespace, release })) {
      await pulumi.log.warn(`Pulsar Manager is not ready: deleted its ${workload}, which the upgrade creates again`);
    }
  });
  return {
    beforeCreate: [version, hook("prepare-helm-install", "install")],
    beforeUpdate: [version, hook("prepare-helm-upgrade", "upgrade"), manager],
    onError: [failureHook(cluster, { namespace, release })],
  };
}

type Operation = "install" | "upgrade";

interface HelmRecord {
  name: string;
  status: string;
}

/** A Job of the API, with the parts used here. */
export interface Job {
  metadata?: { name?: string; annotations?: Record<string, string> };
  status?: { conditions?: { type: string; status: string }[] };
}

/**
 * The records that would block Helm: of operations that were killed and, before an install, of those that failed.
 *
 * @returns undefined if Helm must refuse the install, because the release is deployed and not this stack's
 */
export function staleRecords(records: HelmRecord[], operation: Operation): HelmRecord[] | undefined {
  const pending = ({ status }: HelmRecord) => status.startsWith("pending-");
  if (operation === "upgrade") return records.filter(pending);
  return records.every((record) => pending(record) || record.status === "failed") ? records : undefined;
}

/** The Jobs of this release that have failed permanently. */
export function failedJobs(jobs: Job[], release: string): Job[] {
  return jobs.filter(
    ({ metadata, status }) =>
      metadata?.annotations?.["meta.helm.sh/release-name"] === release &&
      status?.conditions?.some((condition) => condition.type === "Failed" && condition.status === "True"),
  );
}

async function requirePullSecret(ref: ClusterRef, namespace: string, name: string): Promise<void> {
  const cluster = await connect(ref);
  try {
    await ask(cluster, (api) => api.readNamespacedSecret({ namespace, name }));
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
    throw new Error(
      `the pull secret ${namespace}/${name} (pulsar:images.pullSecret) does not exist; create it, or set pulsar:imagePullCredentials`,
      { cause: error },
    );
  }
}

/** Deletes what earlier Helm operations on the release left behind and that would block the next one. @returns what was deleted, in words */
async function removeLeftovers(
  cluster: Cluster,
  namespace: string,
  release: string,
  operation: Operation,
): Promise<string[]> {
  const { BatchV1Api } = await import("@kubernetes/client-node");
  const batch = cluster.client(BatchV1Api);
  const listed = { namespace, labelSelector: `owner=helm,name=${release}` };
  const secrets = await ask(cluster, (api) => api.listNamespacedSecret(listed));
  const records = secrets.items.map(({ metadata }) => ({
    name: metadata?.name ?? "",
    status: metadata?.labels?.status ?? "",
  }));
  const stale = staleRecords(records, operation);
  if (stale === undefined) return [];
  for (const { name } of stale) await ask(cluster, (api) => api.deleteNamespacedSecret({ namespace, name }));

  const ofHelm = { namespace, labelSelector: "app.kubernetes.io/managed-by=Helm" };
  const jobs = failedJobs((await ask(cluster, () => batch.listNamespacedJob(ofHelm))).items, release).map(
    ({ metadata }) => metadata?.name ?? "",
  );
  for (const name of jobs) {
    // Without a policy, the API keeps a Job's pods.
    await ask(cluster, () => batch.deleteNamespacedJob({ namespace, name, propagationPolicy: "Background" }));
  }
  return [
    ...stale.map(({ name }) => `${name}, the record of a failed or interrupted Helm operation`),
    ...jobs.map((name) => `the failed Job ${name}, which Helm now creates again`),
  ];
}
