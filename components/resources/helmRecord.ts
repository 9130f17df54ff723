import * as pulumi from "@pulumi/pulumi";
import { ask, type ClusterRef, connect, statusOf } from "./cluster.ts";
import { type KubernetesNeed, kubernetesVersionHook } from "./kubernetesVersion.ts";

/**
 * What has to be right in the cluster before Helm is started for a release.
 *
 * 1. An install or upgrade that was killed leaves its record (the Secret `sh.helm.release.v1.<release>.v<n>`) behind, as `pending-*` or, where
 *    Helm still had time to note it, as `failed`. After a pending one Helm refuses everything: "another operation
 *    (install/upgrade/rollback) is in progress" (pulumi/pulumi-kubernetes#2054); after a first install that failed, and that Pulumi has not noted
 *    down, a second: "cannot re-use a name that is still in use". The stack's own lock says that no other `up` is at work, so such a record
 *    is a leftover; without it Helm goes on from the revision before, or anew, and takes over the objects that bear its marks.
 * 2. A pull secret the stack does not make must be there, or every pod waits for its image until Helm gives up.
 * 3. The cluster must not be older than the chart's objects; this is looked at in a preview already.
 */
export function releaseHooks(
  cluster: ClusterRef,
  namespace: string,
  release: string,
  pullSecret: string | undefined,
  need: KubernetesNeed,
): pulumi.ResourceHookBinding {
  const hook = (name: string, leftovers: typeof unfinished) =>
    new pulumi.ResourceHook(name, async () => {
      if (pullSecret !== undefined) await requirePullSecret(cluster, namespace, pullSecret);
      for (const record of await removeRecords(cluster, namespace, release, leftovers)) {
        await pulumi.log.warn(`removed ${record}, the record of a Helm operation that was interrupted`);
      }
    });
  const version = kubernetesVersionHook(cluster, need);
  return {
    beforeCreate: [version, hook("prepare-helm-install", neverDeployed)],
    beforeUpdate: [version, hook("prepare-helm-upgrade", unfinished)],
  };
}

interface HelmRecord {
  name: string;
  status: string;
}

/** The records of operations that were killed. */
export function unfinished(records: HelmRecord[]): HelmRecord[] {
  return records.filter(({ status }) => status.startsWith("pending-"));
}

/** All records of a release that never came up; none of one that did, for then it is somebody's, and Helm says so. */
export function neverDeployed(records: HelmRecord[]): HelmRecord[] {
  return records.every(({ status }) => status === "failed" || status.startsWith("pending-")) ? records : [];
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

/** Deletes those of the release's records that `leftovers` picks. @returns their names */
async function removeRecords(
  ref: ClusterRef,
  namespace: string,
  release: string,
  leftovers: (records: HelmRecord[]) => HelmRecord[],
): Promise<string[]> {
  const cluster = await connect(ref);
  const labelSelector = `owner=helm,name=${release}`;
  const { items } = await ask(cluster, (api) => api.listNamespacedSecret({ namespace, labelSelector }));
  const records = items.map(({ metadata }) => ({ name: metadata?.name ?? "", status: metadata?.labels?.status ?? "" }));
  const names = leftovers(records).map(({ name }) => name);
  for (const name of names) await ask(cluster, (api) => api.deleteNamespacedSecret({ namespace, name }));
  return names;
}
