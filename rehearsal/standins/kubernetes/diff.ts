import type { DiffResult, Props } from "../protocol.ts";
import { changedPaths, UNKNOWN } from "../protocol.ts";
import { atPath, isObject } from "../protocol/values.ts";
import { annotation, at } from "./kinds.ts";

/** The mutability settings of the provider. */
export interface Mutability {
  enableSecretMutable: boolean;
  enableConfigMapMutable: boolean;
}

const identity = ["metadata.name", "metadata.namespace"];

/** The fields whose change replaces the object, by apiVersion and kind: the official plugin's list for the kinds of the stack and its charts. */
const immutable: Record<string, string[] | undefined> = {
  "apps/v1/Deployment": ["spec.selector"],
  "apps/v1/StatefulSet": [
    "spec.podManagementPolicy",
    "spec.revisionHistoryLimit",
    "spec.selector",
    "spec.serviceName",
    "spec.volumeClaimTemplates",
  ],
  "batch/v1/Job": ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  "policy/v1beta1/PodDisruptionBudget": ["spec"],
  "rbac.authorization.k8s.io/v1/ClusterRoleBinding": ["roleRef"],
  "rbac.authorization.k8s.io/v1/RoleBinding": ["roleRef"],
  "storage.k8s.io/v1/StorageClass": ["parameters", "provisioner"],
  "v1/PersistentVolume": ["spec.local"],
  "v1/PersistentVolumeClaim": ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
  "v1/Secret": ["type"],
  "v1/Service": ["spec.clusterIP"],
};

/** Fields of an object, as property paths, whose change replaces it. */
export function replacedOnChange(object: Props, mutability: Mutability): string[] {
  const { apiVersion, kind } = object;
  const fixed = object.immutable === true;
  if (apiVersion === "v1" && kind === "Secret" && (fixed || !mutability.enableSecretMutable)) {
    return [...identity, "type", "stringData", "data"];
  }
  if (apiVersion === "v1" && kind === "ConfigMap" && (fixed || !mutability.enableConfigMapMutable)) {
    return [...identity, "binaryData", "data"];
  }
  return [...identity, ...(immutable[`${String(apiVersion)}/${String(kind)}`] ?? [])];
}

/**
 * Compares an object with its new inputs.
 * @param applied - live values of the fields that the program has set
 * @param live - the object in the state
 * @param patch - whether the resource only patches the object. Then only another name or namespace replaces it
 * @param anyway - further reasons to replace the object
 */
export function diffObjects(
  applied: Props,
  live: Props,
  news: Props,
  mutability: Mutability,
  patch = false,
  anyway: string[] = [],
): DiffResult {
  // The plugin (4.32) treats an unknown value as an empty map: if the whole map is unknown, each of its keys counts as deleted.
  const changedKeys = changedPaths(applied, withEmptyMaps(news, applied));
  const fields = patch ? identity : replacedOnChange(news, mutability);
  const changed = changedKeys.filter((path) => fields.some((field) => concerns(path, field, applied, news)));
  const replaces = [...changed, ...anyway];
  const [name, oldName] = [at(news, "metadata", "name"), at(live, "metadata", "name")];
  return {
    changes: changedKeys.length > 0 || anyway.length > 0,
    replaces,
    // Two objects cannot have the same name at the same time.
    deleteBeforeReplace:
      replaces.length > 0 &&
      annotation(news, "autonamed") !== "true" &&
      name === oldName &&
      at(news, "metadata", "namespace") === at(live, "metadata", "namespace"),
    changedKeys,
  };
}

function withEmptyMaps(news: unknown, applied: unknown): unknown {
  if (news === UNKNOWN && isObject(applied)) return {};
  if (!isObject(news) || !isObject(applied)) return news;
  return Object.fromEntries(Object.entries(news).map(([key, value]) => [key, withEmptyMaps(value, applied[key])]));
}

/** Whether a change at `path` changes `field`: at a path in it, or at one that contains it. */
function concerns(path: string, field: string, applied: Props, news: Props): boolean {
  if (within(path, field)) return true;
  return within(field, path) && [applied, news].some((object) => atPath(object, field) !== undefined);
}

function within(path: string, outer: string): boolean {
  return path === outer || (path.startsWith(outer) && /^[.[]/.test(path.slice(outer.length)));
}
