import * as pulumi from "@pulumi/pulumi";
import { ask, type ClusterRef, connect, statusOf } from "./cluster.ts";

/** Annotation that says which stack made an object: `<organization>/<project>/<stack>`. */
const ownerAnnotation = "pulsar-stack/owner";

/**
 * Marks every Kubernetes object of the program as this stack's, and lets the stack take up again what it made but could not note down,
 * because an `up` was killed half way.
 *
 * The provider is to be configured with `upsertExistingObjects`, which alone would also take over what belongs to others (and delete it
 * on `destroy`); so before an object is created, what is there by that name must carry this stack's mark.
 *
 * Call it once, before the first resource.
 */
export function ownObjects(cluster: ClusterRef, owner: string): void {
  let client: ReturnType<typeof open> | undefined;
  const refuseForeign = new pulumi.ResourceHook("refuse-foreign-object", async ({ newInputs }) => {
    const object = newInputs as KubernetesObject;
    // One for all objects: each would read the kubeconfig and ask the API server for its kinds again.
    client ??= open(cluster);
    const found = await find(await client, object);
    if (found === undefined || found === owner) return;
    const name = object.metadata.namespace
      ? `${object.metadata.namespace}/${object.metadata.name}`
      : object.metadata.name;
    throw new Error(
      `${object.kind} ${name} already exists and is not this stack's (${owner}) but ${found || "unmarked"}; ` +
        "remove it, rename it in the stack's settings, or set the stack to use the one that is there",
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
      opts: { ...opts, hooks: { beforeCreate: [refuseForeign] } },
    };
  });
}

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

async function open(ref: ClusterRef) {
  const { KubernetesObjectApi } = await import("@kubernetes/client-node");
  const cluster = await connect(ref);
  return { cluster, objects: KubernetesObjectApi.makeApiClient(cluster.config) };
}

/** Who owns the object by that name: an owner, "" if it bears no mark, undefined if there is no such object. */
async function find(
  { cluster, objects }: Awaited<ReturnType<typeof open>>,
  { apiVersion, kind, metadata: { name, namespace } }: KubernetesObject,
): Promise<string | undefined> {
  try {
    const found = await ask(cluster, () => objects.read({ apiVersion, kind, metadata: { name, namespace } }));
    return found.metadata?.annotations?.[ownerAnnotation] ?? "";
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
