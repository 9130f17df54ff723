import * as pulumi from "@pulumi/pulumi";
import { ask, type ClusterRef, connect, statusOf } from "./cluster.ts";

/**
 * What has to be right in the cluster before Helm is started for a release.
 *
 * 1. An install or upgrade that was killed leaves its record (the Secret `sh.helm.release.v1.<release>.v<n>`) at `pending-*`, and Helm
 *    refuses everything after it: "another operation (install/upgrade/rollback) is in progress" (pulumi/pulumi-kubernetes#2054). The stack's
 *    own lock says that no other `up` is at work, so such a record is a leftover; without it Helm goes on from the revision before, and takes
 *    over the objects that bear its marks.
 * 2. A pull secret the stack does not make must be there, or every pod waits for its image until Helm gives up.
 */
export function releaseHooks(
  cluster: ClusterRef,
  namespace: string,
  release: string,
  pullSecret: string | undefined,
): pulumi.ResourceHookBinding {
  const prepare = new pulumi.ResourceHook("prepare-helm", async () => {
    if (pullSecret !== undefined) await requirePullSecret(cluster, namespace, pullSecret);
    for (const record of await removePendingRecords(cluster, namespace, release)) {
      await pulumi.log.warn(`removed ${record}, the record of a Helm operation that was interrupted`);
    }
  });
  return { beforeCreate: [prepare], beforeUpdate: [prepare] };
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

/** Deletes the release's records that are pending. @returns their names */
export async function removePendingRecords(ref: ClusterRef, namespace: string, release: string): Promise<string[]> {
  const cluster = await connect(ref);
  const labelSelector = `owner=helm,name=${release},status in (pending-install,pending-upgrade,pending-rollback)`;
  const { items } = await ask(cluster, (api) => api.listNamespacedSecret({ namespace, labelSelector }));
  const names = items.flatMap((secret) => secret.metadata?.name ?? []);
  for (const name of names) await ask(cluster, (api) => api.deleteNamespacedSecret({ namespace, name }));
  return names;
}
