/** Server-side apply as the official plugin does it: one field manager per resource, conflicts explained. */
import { type Api, type Identity, hasReason } from "./api.ts";
import { type KubeObject, type Kind, type Metadata, annotation, list, randomSuffix, text } from "./kinds.ts";
import type { Props } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";

/** Field manager of the first, client-side create. */
export const createManager = "pulumi-kubernetes";

/** Who owns the resource's fields: its annotation, else what the state holds, else a new name. */
export function fieldManagerOf(inputs: Props, state: Props): string {
  const kept = text(state.__fieldManager);
  return annotation(inputs, "patchFieldManager") || kept || `pulumi-kubernetes-${randomSuffix()}`;
}

/** The state of an object: what the cluster has, and what the next update needs. */
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

/** Whether fields of others are taken: as the resource or the provider says, and where nobody recorded an owner. */
export function forced(inputs: Props, enablePatchForce: boolean, live?: KubeObject): boolean {
  const unowned = live !== undefined && list(live.metadata.managedFields).length === 0;
  return annotation(inputs, "patchForce") === "true" || enablePatchForce || unowned;
}

/** Gives up every field of a manager: what nobody else owns is removed from the object. Creates the object if it is gone. */
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

/** Managers whose fields a resource takes over at its first update: its own create, and kubectl. */
const predecessors = new Set([
  "kubectl/Apply",
  ...["kubectl", "before-first-apply", createManager, "pulumi-kubernetes.exe", "pulumi-resource-kubernetes"].map(
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

function merged(left: unknown, right: unknown): unknown {
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
