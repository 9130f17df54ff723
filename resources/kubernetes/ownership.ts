import * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, connect, unlessMissing } from "./connection.ts";

/** Annotation with the stack that created an object: `<organization>/<project>/<stack>`. */
export const ownerAnnotation = "pulsar-stack/owner";

/**
 * Annotates every Kubernetes object of the program with this stack as its owner, so that the stack can continue with objects that a killed `up` created
 * but did not record.
 *
 * The provider must have `upsertExistingObjects`, which alone would also take over (and delete on `destroy`) objects of others. So before an object is
 * created, an existing one of that name must have this stack's annotation.
 *
 * Call it once, before the first resource.
 * @param release the Helm release whose StatefulSets may create claims before the stack does
 */
export function ownObjects(cluster: ClusterRef, owner: string, release?: string): void {
  let client: ReturnType<typeof open> | undefined;
  const refuseForeign = new pulumi.ResourceHook("refuse-foreign-object", async ({ newInputs }) => {
    const object = newInputs as KubernetesObject;
    // One for all objects: each would read the kubeconfig and query the API server for its kinds again.
    client ??= open(cluster);
    const found = await find(await client, object);
    if (found === undefined || ownerOf(found) === owner || isAwaitedClaim(found, object, release)) return;
    const name = object.metadata.namespace
      ? `${object.metadata.namespace}/${object.metadata.name}`
      : object.metadata.name;
    throw new Error(
      `${object.kind} ${name} already exists and is not this stack's (${owner}): its owner is ${ownerOf(found) || "not known"}; ` +
        "delete it, set another name, or set the stack to use the existing one",
    );
  });

  pulumi.runtime.registerStackTransformation(({ type, props, opts }) => {
    if (!/^kubernetes:/.test(type) || /Patch$|^kubernetes:helm/.test(type)) return undefined;
    const { metadata, ...inputs } = props as { metadata?: { annotations?: Record<string, string> } };
    const annotations = {
      ...metadata?.annotations,
      [ownerAnnotation]: owner,
      // After a killed `up`, objects are applied again under another field manager, which conflicts where a value differs. They are ours.
      "pulumi.com/patchForce": "true",
    };
    return {
      props: { ...inputs, metadata: { ...metadata, annotations } },
      opts: {
        ...opts,
        hooks: { ...opts.hooks, beforeCreate: [...(opts.hooks?.beforeCreate ?? []), refuseForeign] },
      },
    };
  });
}

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: { volumeName?: string };
}

/** Empty without the annotation. */
function ownerOf({ metadata: { annotations } }: KubernetesObject): string {
  return annotations?.[ownerAnnotation] ?? "";
}

/**
 * Whether `found` is the claim `wanted`, created by the release's StatefulSet. While a volume and its claim are replaced, the StatefulSet controller
 * (createMissingPersistentVolumeClaims, seen in Kubernetes 1.37) may create the missing claim before the stack does, with the set's selector labels.
 * A claim of another volume is not ours, because it has data.
 */
export function isAwaitedClaim(
  found: KubernetesObject,
  wanted: KubernetesObject,
  release: string | undefined,
): boolean {
  return (
    wanted.kind === "PersistentVolumeClaim" &&
    release !== undefined &&
    ownerOf(found) === "" &&
    found.metadata.labels?.["release"] === release &&
    found.metadata.labels["component"] !== undefined &&
    [undefined, "", wanted.spec?.volumeName].includes(found.spec?.volumeName)
  );
}

async function open(ref: ClusterRef) {
  const { KubernetesObjectApi } = await import("@kubernetes/client-node");
  const cluster = await connect(ref);
  return { cluster, objects: cluster.client(KubernetesObjectApi) };
}

/** The object of that name; undefined if it does not exist. */
async function find(
  { cluster, objects }: Awaited<ReturnType<typeof open>>,
  { apiVersion, kind, metadata: { name, namespace } }: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  return ask(cluster, () => objects.read<KubernetesObject>({ apiVersion, kind, metadata: { name, namespace } })).catch(
    unlessMissing,
  );
}
