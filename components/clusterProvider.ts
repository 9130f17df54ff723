import { Provider } from "@pulumi/kubernetes/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../model/clusterRef.ts";

/**
 * The provider of all Kubernetes objects of a stack. Its inputs come only from the settings, so that a preview with other environment variables
 * shows no change of the provider.
 */
export function clusterProvider(cluster: ClusterRef): Provider {
  const args = {
    ...cluster,
    // The same for every stack, so that a renamed stack or context, or a moved kubeconfig, counts as the same cluster and replaces nothing.
    // The plugin (4.32) compares the two kubeconfigs, so the old file must still exist.
    clusterIdentifier: "pulsar-stack",
    // Safe only with `ownObjects`, which refuses objects of others.
    upsertExistingObjects: true,
    // Secrets change in place: pods refer to them by name, and a protected Secret cannot be replaced.
    enableSecretMutable: true,
  };
  // The SDK (4.34) fills unset inputs from KUBECONFIG and PULUMI_K8S_*. The plugin reads these variables too, when it runs.
  const onlySettings: pulumi.ResourceTransformation = ({ props, opts }) => {
    const configured = Object.entries(props as object).filter(([key]) => key in args);
    return { props: { ...Object.fromEntries(configured), kubeconfig: cluster.kubeconfig }, opts };
  };
  return new Provider("cluster", args, { transformations: [onlySettings] });
}
