import { type Fault, keyOf } from "./faults.ts";
import { placementFaults } from "./nodes.ts";
import { productionFaults } from "./production.ts";
import type { Parsed } from "./schema.ts";

/** Faults that no single value shows. */
export function contradictions(settings: Partial<Parsed>): Fault[] {
  const { tokens, images, managerDatabase } = settings;
  const faults = [...placementFaults(settings), ...productionFaults(settings)];
  const add = (path: PropertyKey[], found: string, allowed: string) =>
    faults.push({ key: keyOf(path), found, allowed });

  const roles = tokens === undefined ? [] : [...Object.values(tokens.roles), ...tokens.otherRoles];
  const twice = roles.filter((role, i) => roles.indexOf(role) < i);
  if (twice.length > 0) add(["tokens"], `the role ${[...new Set(twice)].join(", ")} twice`, "every role once");

  const credentials = "imagePullCredentials" in settings && settings.imagePullCredentials !== undefined;
  if (images !== undefined && credentials && images.pullSecret === undefined) {
    add(["images", "pullSecret"], "nothing", "the name of the Secret to make from pulsar:imagePullCredentials");
  }
  if (
    images?.pullSecret !== undefined &&
    "imagePullCredentials" in settings &&
    !credentials &&
    settings.createNamespace
  ) {
    add(
      ["imagePullCredentials"],
      `nothing, so Secret ${images.pullSecret} is expected in a namespace that does not exist yet`,
      "a Docker configuration (pulumi config set --secret), or pulsar:createNamespace false with the Secret already there",
    );
  }
  if (managerDatabase?.tlsCaFile !== undefined && managerDatabase.tls !== "verify-full") {
    add(
      ["managerDatabase", "tlsCaFile"],
      "a CA that would not be used",
      "no CA, or pulsar:managerDatabase.tls verify-full",
    );
  }
  if (managerDatabase?.create && "managerDatabaseAdminPassword" in settings && !settings.managerDatabaseAdminPassword) {
    add(
      ["managerDatabaseAdminPassword"],
      "nothing",
      "the password of pulsar:managerDatabase.admin.user (pulumi config set --secret), or pulsar:managerDatabase.create false where role and database exist",
    );
  }
  return faults;
}
