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

/** The fields whose change replaces the object, by apiVersion and kind: the official plugin's list. */
const immutable: Record<string, string[] | undefined> = {
  ...forVersions(["apps/v1beta2", "apps/v1"], {
    DaemonSet: ["spec.selector"],
    Deployment: ["spec.selector"],
  }),
  ...forVersions(["apps/v1beta1", "apps/v1beta2", "apps/v1"], {
    StatefulSet: [
      "spec.podManagementPolicy",
      "spec.revisionHistoryLimit",
      "spec.selector",
      "spec.serviceName",
      "spec.volumeClaimTemplates",
    ],
  }),
  ...forVersions(["batch/v1beta1", "batch/v1", "batch/v2alpha1"], {
    Job: ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  }),
  ...forVersions(["policy/v1beta1"], { PodDisruptionBudget: ["spec"] }),
  ...forVersions(
    ["rbac.authorization.k8s.io/v1alpha1", "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1"],
    {
      ClusterRoleBinding: ["roleRef"],
      RoleBinding: ["roleRef"],
    },
  ),
  ...forVersions(["storage.k8s.io/v1"], { StorageClass: ["parameters", "provisioner"] }),
  ...forVersions(["v1"], {
    PersistentVolume: (
      "awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs hostPath " +
      "iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume"
    )
      .split(" ")
      .map((source) => `spec.${source}`),
    PersistentVolumeClaim: ["spec.accessModes", "spec.selector", "spec.storageClassName", "spec.volumeName"],
    Pod: podFields(),
    ResourceQuota: ["spec.scopes"],
    Secret: ["type"],
    Service: ["spec.clusterIP"],
  }),
};

function forVersions(versions: string[], kinds: Record<string, string[]>): Record<string, string[]> {
  return Object.fromEntries(
    versions.flatMap((version) => Object.entries(kinds).map(([kind, fields]) => [`${version}/${kind}`, fields])),
  );
}

function podFields(): string[] {
  const spec =
    "affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork hostPID " +
    "hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName readinessGates " +
    "restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName shareProcessNamespace " +
    "subdomain terminationGracePeriodSeconds volumes";
  const container =
    "args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext stdin " +
    "stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir";
  const inContainers = ["containers", "initContainers"].flatMap((containers) =>
    container.split(" ").map((field) => `spec.${containers}[*].${field}`),
  );
  return [...spec.split(" ").map((field) => `spec.${field}`), ...inContainers];
}

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
  const pattern = path.replaceAll(/\[\d+\]/g, "[*]");
  if (within(pattern, field)) return true;
  if (!within(field, pattern) || field.includes("*")) return false;
  return [applied, news].some((object) => atPath(object, field) !== undefined);
}

function within(path: string, outer: string): boolean {
  return path === outer || (path.startsWith(outer) && /^[.[]/.test(path.slice(outer.length)));
}
