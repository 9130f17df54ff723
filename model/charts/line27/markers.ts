import type { SecretRef } from "../cluster.ts";

/** Marks in the values of chart 2.7.7 that only the post-renderer understands: it replaces them in the manifest (patches.ts). */

/** The post-renderer moves the content of this annotation (JSON) into the pods' spec: the chart has no values for it. */
export const podSpecAnnotation = "pulsar-stack/pod-spec";

const secretMark = "secretKeyRef:";

/**
 * A value of a component's configData that comes from a Secret. The chart writes configData into a ConfigMap. The post-renderer replaces such a
 * value by an environment variable of the same name.
 */
export function fromSecret({ secret, key }: SecretRef): string {
  return `${secretMark}${secret}/${key}`;
}

/** The Secret that a configData value refers to, if any. */
export function secretRef(value: unknown): SecretRef | undefined {
  if (typeof value !== "string" || !value.startsWith(secretMark)) return undefined;
  const [secret = "", key = ""] = value.slice(secretMark.length).split("/");
  return { secret, key };
}
