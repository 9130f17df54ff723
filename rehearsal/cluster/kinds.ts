import type { Api } from "./api.ts";
import { waitFor } from "./waiting.ts";

/** Defines a kind of version v1 whose objects are not checked, as far as a rehearsal needs it, and waits until it is served. */
export async function createKind(api: Api, { group, kind }: { group: string; kind: string }): Promise<void> {
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  // The client's spelling.
  const anything = { type: "object", x_kubernetes_preserve_unknown_fields: true };
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular },
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", properties: { spec: anything } } },
        },
      ],
    },
  };
  await api.objects.create(definition);
  const listed = async () => {
    const { resources } = await api.get<{ resources: { kind: string }[] }>(`/apis/${group}/v1`, "application/json");
    return resources.find((resource) => resource.kind === kind);
  };
  await waitFor(listed, { what: `that the kind ${kind} is served`, limit: 30_000 });
}
