import { readFileSync } from "node:fs";
import { fullName } from "./charts/names.ts";

/**
 * Versions of Pulsar Manager that let anybody who reaches their page create an account: in v0.4.0 `PUT /pulsar-manager/users/superuser` never
 * requires a login (apache/pulsar-manager#563). v0.2.0 creates one account by it and refuses the next.
 */
export const openManagerVersions: readonly string[] = ["v0.4.0"];

/** The configuration of nginx in the manager's image, for the only pod of the manager's StatefulSet (chart 4.7.0). It refuses that request. */
export function frontEndConfig(release: string): string {
  return template.replace("MANAGER_POD", `${fullName(release)}-pulsar-manager-0`);
}

const template = readFileSync(new URL("managerFrontEnd.conf", import.meta.url), "utf8");
