import * as pulumi from "@pulumi/pulumi";
import { ask, type ClusterRef, connect, unlessMissing } from "./connection.ts";

/** Annotation that says which stack made an object: `<organization>/<project>/<stack>`. */
export const ownerAnnotation = "pulsar-stack/owner";

/**
 * Marks every Kubernetes object of the program as this stack's, and lets the stack take up again what it made but could not note down,
 * because an `up` was killed half way.
 *
 * The provider is to be configured with `upsertExistingObjects`, which alone would also take over what belongs to others (and delete it
 * on `destroy`); so before an object is created, what is there by that name must carry this stack's mark.
 *
 * Call it once, before the first resource.
 * @param release the Helm release whose StatefulSets may make claims before the stack does
 */
export function ownObjects(cluster: ClusterRef, owner: string, release?: string): void {
  let client: ReturnType<typeof open> | undefined;
  const refuseForeign = new pulumi.ResourceHook("refuse-foreign-object", async ({ newInputs }) => {
    const object = newInputs as KubernetesObject;
    // One for all objects: each would read the kubeconfig and ask the API server for its kinds again.
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
      // What a killed `up` applied is applied anew under another manager's name, which conflicts where a value differs. Whatever is
      // there is ours.
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

/** "" if it bears no mark. */
function ownerOf({ metadata: { annotations } }: KubernetesObject): string {
  return annotations?.[ownerAnnotation] ?? "";
}

/**
 * Whether `found` is the claim `wanted` after all, made by the release's StatefulSet. While a volume and its claim are replaced, the pod
 * waits, and the StatefulSet controller (createMissingPersistentVolumeClaims, seen in Kubernetes 1.37) makes any missing claim of such a pod
 * itself, perhaps before the stack does, with the set's selector labels. One that holds another volume is not ours: there is data in it.
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

/** The object by that name, undefined if there is none. */
async function find(
  { cluster, objects }: Awaited<ReturnType<typeof open>>,
  { apiVersion, kind, metadata: { name, namespace } }: KubernetesObject,
): Promise<KubernetesObject | undefined> {
  return ask(cluster, () => objects.read<KubernetesObject>({ apiVersion, kind, metadata: { name, namespace } })).catch(
    unlessMissing,
  );
}
