import * as pulumi from "@pulumi/pulumi";
import { fault } from "../kit/fault.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { answerOf, ask, type AskingOptions, type Cluster, unlessMissing } from "./connection.ts";

/** A kind that is not built into Kubernetes. */
interface RequiredKind {
  group: string;
  version: string;
  kind: string;
  /** The setting that requires it. */
  setting: string;
  /** What to do in a cluster without it. */
  remedy: string;
}

export const podMonitorKind: RequiredKind = {
  group: "monitoring.coreos.com",
  version: "v1",
  kind: "PodMonitor",
  setting: "pulsar:monitoring.podMonitors",
  remedy:
    "install the Prometheus operator's CustomResourceDefinitions first, or set pulsar:monitoring.podMonitors to false",
};

export const certificateKind: RequiredKind = {
  group: "cert-manager.io",
  version: "v1",
  kind: "Certificate",
  setting: "pulsar:tls.issuer",
  remedy: "install cert-manager first, or set pulsar:tls.issuer to stack",
};

/** Checks before objects of a kind are created, and in a preview, that the cluster has the kind; see `checkKind`. */
function kindHook(ref: ClusterRef, required: RequiredKind): pulumi.ResourceHook {
  return new pulumi.ResourceHook(`check-kind-${required.kind}`, () => checkKind(ref, required), { onDryRun: true });
}

/**
 * Creates objects of a kind. Only the first checks for the kind, and the others wait for it, so that the error appears once.
 * @param others more checks before the first object
 * @returns a function that calls another with the options for the next object
 */
export function ofKind(
  ref: ClusterRef,
  required: RequiredKind,
  ...others: pulumi.ResourceHook[]
): (create: (options: pulumi.CustomResourceOptions) => pulumi.Resource) => void {
  let first: pulumi.Resource | undefined;
  return (create) => {
    const made = create(
      first === undefined ? { hooks: { beforeCreate: [kindHook(ref, required), ...others] } } : { dependsOn: first },
    );
    first ??= made;
  };
}

/**
 * Refuses a cluster without a kind. A preview need not reach it: see `answerOf`.
 * @throws Error of one line: the context, the kind, and the setting that requires it; or why the cluster could not be queried
 */
export async function checkKind(ref: ClusterRef, required: RequiredKind, options?: AskingOptions): Promise<void> {
  const { kind, group, version, setting, remedy } = required;
  const found = await answerOf(ref, (cluster) => query(cluster, required), options);
  if (found === undefined || found.known) return;
  throw fault(
    `context "${found.context}" does not have the kind ${kind} (${group}/${version}), which ${setting} requires; ${remedy}`,
  );
}

/** Reads the list of kinds, because not every user may read the definitions. */
async function query(cluster: Cluster, { group, version, kind: wanted }: RequiredKind) {
  const found = await ask(cluster, () => cluster.kinds.getAPIResources({ group, version })).catch(unlessMissing);
  return { context: cluster.context, known: found?.resources.some(({ kind }) => kind === wanted) ?? false };
}
