import type { Resource } from "@pulumi/pulumi";

/** A list for `dependsOn`, without the optional resources that the stack does not have. */
export function dependencies(...resources: (Resource | undefined)[]): Resource[] {
  return resources.filter((resource) => resource !== undefined);
}
