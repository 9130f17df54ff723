import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../resources/kubernetes/connection.ts";

/**
 * The provider of all Kubernetes objects of a stack. Its inputs come from the settings alone, so that a stack shows no change of its provider
 * where it is previewed with other environment variables than those it was deployed with.
 */
export function clusterProvider(cluster: ClusterRef): k8s.Provider {
  const args = {
    ...cluster,
    // The same for every stack, so that a renamed stack, a renamed context or a kubeconfig at another path replaces nothing: the plugin replaces
    // all objects of another cluster. The plugin (4.32) compares the two kubeconfigs, so the old file must still be there.
    clusterIdentifier: "pulsar-stack",
    // Only together with ownObjects, which refuses what is not this stack's.
    upsertExistingObjects: true,
    // A Secret changes in place: its name is what the pods know it by, and a protected one could not be replaced.
    enableSecretMutable: true,
  };
  // The SDK (4.34) puts KUBECONFIG and PULUMI_K8S_* into the inputs that are not set. The plugin reads these variables too, when it runs.
  const onlyGiven: pulumi.ResourceTransformation = ({ props, opts }) => {
    const given = Object.entries(props as object).filter(([key]) => key in args);
    return { props: { ...Object.fromEntries(given), kubeconfig: cluster.kubeconfig }, opts };
  };
  return new k8s.Provider("cluster", args, { transformations: [onlyGiven] });
}
