import type { Props } from "../protocol.ts";
import { isObject } from "../protocol/values.ts";

/** A Kubernetes object of the API. */
export interface KubeObject extends Props {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export interface Metadata extends Props {
  name?: string;
  namespace?: string;
  annotations?: Record<string, string>;
}

/** The kind of a resource type of the package. */
export interface Kind {
  apiVersion: string;
  kind: string;
  /** Whether the type manages some fields of an object that it does not own, such as NodePatch. */
  patch: boolean;
}

/** @param type - type token, as `kubernetes:apps/v1:StatefulSet` or `kubernetes:core/v1:NodePatch`. */
export function kindOfType(type: string): Kind | undefined {
  const [, group, version, name] = /^kubernetes:([^:/]+)\/([^:/]+):(\w+)$/.exec(type) ?? [];
  if (!group || !version || !name) return undefined;
  return {
    apiVersion: group === "core" ? version : `${group}/${version}`,
    kind: name.replace(/(?<=.)Patch$/, ""),
    patch: /.Patch$/.test(name),
  };
}

/** Kubernetes' cluster-scoped kinds. The list is needed for a preview without a cluster. */
const clusterScoped = new Set([
  ...["Namespace", "Node", "PersistentVolume", "RuntimeClass", "PriorityClass"],
  ...["StorageClass", "VolumeAttachment", "VolumeAttributesClass", "CSIDriver", "CSINode"],
  ...["ClusterRole", "ClusterRoleBinding", "CertificateSigningRequest", "ClusterTrustBundle"],
  ...["CustomResourceDefinition", "APIService", "FlowSchema", "PriorityLevelConfiguration"],
  ...["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "MutatingAdmissionPolicy"],
  ...["MutatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
  ...["IngressClass", "IPAddress", "ServiceCIDR", "DeviceClass", "ResourceSlice"],
]);

/** Whether a kind is namespaced. A custom kind counts as namespaced. */
export function namespaced({ apiVersion, kind }: { apiVersion: string; kind: string }): boolean {
  const group = apiVersion.includes("/") ? apiVersion.replace(/\/.*/, "") : "";
  const builtIn = !group.includes(".") || group.endsWith(".k8s.io");
  return !(builtIn && clusterScoped.has(kind));
}

/** Resource id: `namespace/name`, or `name` for a cluster-scoped object. */
export function idOf({ metadata }: KubeObject): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name ?? ""}` : (metadata.name ?? "");
}

export function parseId(id: string): { namespace?: string; name: string } {
  const [first = "", second] = id.split("/");
  return second === undefined ? { name: first } : { namespace: first, name: second };
}

/** The value at a path of keys, `undefined` where there is none. */
export function at(value: unknown, ...keys: string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value);
}

/** An object without some of its keys. */
export function without(object: Props, ...keys: string[]): Props {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function count(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value of an annotation `pulumi.com/<name>`, or "". */
export function annotation(object: Props, name: string): string {
  return text(at(object, "metadata", "annotations", `pulumi.com/${name}`));
}

/** A suffix of a generated name, as in the official plugin: eight hexadecimal digits. */
export function randomSuffix(): string {
  return crypto.randomUUID().slice(0, 8);
}
