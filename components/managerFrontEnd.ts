import { readFileSync } from "node:fs";

/**
 * Versions of Pulsar Manager that let anybody who reaches their page make an account of his own: in v0.4.0 `PUT /pulsar-manager/users/superuser`
 * asks for no login, and does so for ever (apache/pulsar-manager#563); v0.2.0 makes one account by it, and refuses the next.
 */
export const openManagerVersions: readonly string[] = ["v0.4.0"];

/** The configuration of nginx in the manager's image, with that way closed; why each line of it is there is said in it. */
export const frontEndConfig = readFileSync(new URL("managerFrontEnd.conf", import.meta.url), "utf8");
