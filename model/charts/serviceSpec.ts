import type { Manifest } from "./manifest.ts";

/** The post-renderers move the content of this annotation (JSON) into the Service's spec: chart 2.7.7 has no values for it, 4.7.0 not for all. */
export const serviceSpecAnnotation = "pulsar-stack/service-spec";

export function serviceSpecs(objects: readonly Manifest[]): void {
  for (const object of objects) {
    const { annotations } = object.metadata;
    const added = annotations?.[serviceSpecAnnotation];
    if (object.kind !== "Service" || annotations === undefined || added === undefined) continue;
    object.spec = { ...object.spec, ...(JSON.parse(added) as object) };
    // oxlint-disable-next-line typescript/no-dynamic-delete -- annotations are a map, not a record of known keys
    delete annotations[serviceSpecAnnotation];
  }
}
