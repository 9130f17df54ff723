/** Server-side apply as the official plugin does it, with a field manager for each resource. */
import { type Api, type Identity, hasReason } from "./api.ts";
import { type KubeObject, type Kind, type Metadata, annotation, list, randomSuffix, text } from "./kinds.ts";
import type { Props } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";

/** The field manager of a resource: that of its state, else a new one. */
export function fieldManagerOf(state: Props): string {
  return text(state.__fieldManager) || `pulumi-kubernetes-${randomSuffix()}`;
}

/** The state of an object: the live object, and data for the next update. */
export function stateOf(live: KubeObject, fieldManager: string): Props {
  return { ...live, __fieldManager: fieldManager, __initialApiVersion: live.apiVersion };
}

export async function apply(
  api: Api,
  object: KubeObject,
  { fieldManager, force, dryRun }: { fieldManager: string; force: boolean; dryRun: boolean },
): Promise<KubeObject> {
  try {
    return await api.apply(object, { fieldManager, force, dryRun });
  } catch (error) {
    if (!hasReason(error, "Conflict") || !(error instanceof Error)) throw error;
    error.message =
      "server-side apply field conflict detected, see https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/" +
      "managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources for troubleshooting help\n" +
      `The resource managed by field manager "${fieldManager}" had an apply conflict: ${error.message}`;
    throw error;
  }
}

/** Whether fields of other managers are taken over: if the resource says so, or if the object has no managers. */
export function forced(inputs: Props, live?: KubeObject): boolean {
  const unowned = live !== undefined && list(live.metadata.managedFields).length === 0;
  return annotation(inputs, "patchForce") === "true" || unowned;
}

/** Gives up every field of a manager. Fields without another manager are removed. Creates the object if it does not exist. */
export async function relinquish(api: Api, kind: Kind, metadata: Metadata, fieldManager: string): Promise<void> {
  const { name, namespace } = metadata;
  const bare = { apiVersion: kind.apiVersion, kind: kind.kind, metadata: namespace ? { name, namespace } : { name } };
  await apply(api, bare, { fieldManager, force: false, dryRun: false });
}

interface ManagedFields {
  manager?: string;
  operation?: string;
  subresource?: string;
  fieldsV1?: unknown;
}

/** Managers whose fields a resource takes over at an update: those of other clients of the plugin, and kubectl. */
const predecessors = new Set([
  "kubectl/Apply",
  ...["kubectl", "before-first-apply", "pulumi-kubernetes", "pulumi-kubernetes.exe", "pulumi-resource-kubernetes"].map(
    (manager) => `${manager}/Update`,
  ),
]);

/**
 * The owners of an object's fields after `fieldManager` took over its predecessors' fields, so that they do not conflict with
 * what it applies and are removed when it no longer sets them. `undefined`: there is nothing to take over.
 */
export function takenOver(managedFields: unknown[], fieldManager: string): unknown[] | undefined {
  const entries = managedFields as ManagedFields[];
  const isPredecessor = ({ manager = "", operation = "", subresource }: ManagedFields): boolean =>
    !subresource &&
    predecessors.has(`${manager}/${operation}`) &&
    `${manager}/${operation}` !== `${fieldManager}/Apply`;
  const taken = entries.filter(isPredecessor);
  const [first] = taken;
  if (!first) return undefined;
  const own = entries.find(({ manager, operation }) => manager === fieldManager && operation === "Apply");
  const fieldsV1 = [own, ...taken].reduce<unknown>((all, entry) => merged(all, entry?.fieldsV1), {});
  const rest = entries.filter((entry) => entry !== own && !isPredecessor(entry));
  return [...rest, { ...first, manager: fieldManager, operation: "Apply", fieldsV1 }];
}

export function merged(left: unknown, right: unknown): unknown {
  if (!isObject(left) || !isObject(right)) return right ?? left;
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return Object.fromEntries(keys.map((key) => [key, merged(left[key], right[key])]));
}

/** Records {@link takenOver} in the cluster. */
export async function takeOver(api: Api, identity: Identity, live: KubeObject, fieldManager: string): Promise<void> {
  const managedFields = takenOver(list(live.metadata.managedFields), fieldManager);
  if (!managedFields) return;
  await api.jsonPatch(identity, [
    { op: "replace", path: "/metadata/managedFields", value: managedFields },
    { op: "replace", path: "/metadata/resourceVersion", value: live.metadata.resourceVersion },
  ]);
}
