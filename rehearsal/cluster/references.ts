import type { V1Container, V1Pod, V1Volume } from "@kubernetes/client-node";
import { enumerate } from "../report/explain.ts";
import type { Api, Plain } from "./api.ts";
import { compareNames } from "./observe.ts";

/** A Secret or ConfigMap that a kubelet needs to create the containers of a pod. */
export interface Reference {
  kind: "Secret" | "ConfigMap";
  name: string;
  /** The keys that it must have. Empty if the reference is to the whole object. */
  keys: string[];
}

/** The keys of each object in a namespace, by `Secret name` or `ConfigMap name`. */
export type Existing = Readonly<Record<string, readonly string[]>>;

/**
 * The missing Secrets, ConfigMaps and keys of the pods in a namespace. With a real kubelet, such pods stay in CreateContainerConfigError or
 * ContainerCreating; a simulated one does not check.
 */
export async function findMissing(api: Api, namespace: string): Promise<string[]> {
  const [pods, secrets, configMaps] = await Promise.all([
    api.core.listNamespacedPod({ namespace }),
    api.core.listNamespacedSecret({ namespace }),
    api.core.listNamespacedConfigMap({ namespace }),
  ]);
  const existing = Object.fromEntries([
    ...secrets.items.map(({ metadata, data }) => [`Secret ${metadata?.name ?? ""}`, Object.keys(data ?? {})] as const),
    ...configMaps.items.map(
      ({ metadata, data, binaryData }) =>
        [`ConfigMap ${metadata?.name ?? ""}`, Object.keys({ ...data, ...binaryData })] as const,
    ),
  ]);
  return missing(pods.items, existing);
}

/** One line for each missing object or key, with the pods that refer to it. */
export function missing(pods: readonly Plain<V1Pod>[], existing: Existing): string[] {
  const lacking = new Map<string, string[]>();
  for (const pod of pods) {
    const faults = referencesOf(pod).flatMap(({ kind, name, keys }) => {
      const present = existing[`${kind} ${name}`];
      if (present === undefined) return [`${kind} ${name} does not exist`];
      return keys.filter((key) => !present.includes(key)).map((key) => `${kind} ${name} has no key ${key}`);
    });
    for (const fault of new Set(faults)) {
      lacking.set(fault, [...(lacking.get(fault) ?? []), pod.metadata?.name ?? ""]);
    }
  }
  return [...lacking]
    .map(
      ([fault, names]) =>
        `${fault}; without it a kubelet starts no container of ${enumerate(names.sort(compareNames))}`,
    )
    .sort(compareNames);
}

/** The references in a pod's environment and volumes, without those marked optional. */
export function referencesOf({ spec }: Plain<V1Pod>): Reference[] {
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  return [...containers.flatMap(inEnvironment), ...inVolumes(spec?.volumes ?? [])];
}

interface Selector {
  name?: string;
  optional?: boolean;
}

function reference(kind: Reference["kind"], from: Selector | undefined, keys: string[] = []): Reference[] {
  return from?.name === undefined || from.optional === true ? [] : [{ kind, name: from.name, keys }];
}

function inEnvironment({ env = [], envFrom = [] }: Plain<V1Container>): Reference[] {
  return [
    ...envFrom.flatMap(({ secretRef, configMapRef }) => [
      ...reference("Secret", secretRef),
      ...reference("ConfigMap", configMapRef),
    ]),
    ...env.flatMap(({ valueFrom }) => [
      ...reference("Secret", valueFrom?.secretKeyRef, [valueFrom?.secretKeyRef?.key ?? ""]),
      ...reference("ConfigMap", valueFrom?.configMapKeyRef, [valueFrom?.configMapKeyRef?.key ?? ""]),
    ]),
  ];
}

function inVolumes(volumes: Plain<V1Volume>[]): Reference[] {
  return volumes.flatMap(({ secret, configMap, projected }) => [
    ...reference("Secret", { name: secret?.secretName, optional: secret?.optional }, keysOf(secret?.items)),
    ...reference("ConfigMap", configMap, keysOf(configMap?.items)),
    ...(projected?.sources ?? []).flatMap((source) => [
      ...reference("Secret", source.secret, keysOf(source.secret?.items)),
      ...reference("ConfigMap", source.configMap, keysOf(source.configMap?.items)),
    ]),
  ]);
}

function keysOf(items: readonly { key: string }[] | undefined): string[] {
  return items?.map(({ key }) => key) ?? [];
}
