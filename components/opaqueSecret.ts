import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import * as pulumi from "@pulumi/pulumi";

/**
 * A Secret whose values are secret one by one. The SDK (4.34) makes the whole of `data` one secret. If a preview does not know a value, the plugin
 * (4.32) then shows every key as deleted.
 * @param data each value in base64
 */
export function opaqueSecret(
  name: string,
  metadata: { name: string; namespace: pulumi.Input<string> },
  data: Record<string, pulumi.Input<string>>,
  options: pulumi.CustomResourceOptions,
): Secret {
  const secretValues = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, pulumi.secret(value)]));
  return new Secret(
    name,
    { metadata, type: "Opaque", data },
    {
      ...options,
      transformations: [({ props, opts }) => ({ props: { ...(props as object), data: secretValues }, opts })],
    },
  );
}
