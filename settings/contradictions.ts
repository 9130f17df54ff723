import { imageRef, namesRegistry } from "../model/charts/images.ts";
import { chartLine } from "../model/charts/lines.ts";
import { openManagerVersions } from "../model/managerFrontEnd.ts";
import { type Fault, keyOf } from "./faults.ts";
import { ingressFaults } from "./ingress.ts";
import { lengthFaults } from "./lengths.ts";
import { networkFaults } from "./network.ts";
import { placementFaults } from "./nodes.ts";
import { productionFaults } from "./production.ts";
import { rolesOf } from "./resolved.ts";
import type { Parsed } from "./schema.ts";
import { tenantFaults } from "./tenants.ts";
import { valueFaults } from "./values.ts";

/** Faults that no single value shows. */
export function contradictions(settings: Partial<Parsed>): Fault[] {
  const { chart, tokens, clients, registry, images, managerDatabase } = settings;
  const faults = [
    ...lengthFaults(settings),
    ...placementFaults(settings),
    ...productionFaults(settings),
    ...valueFaults(settings),
    ...networkFaults(settings),
    ...tenantFaults(settings),
  ];
  const add = (path: PropertyKey[], found: string, allowed: string) =>
    faults.push({ key: keyOf(path), found, allowed });

  const roles =
    tokens === undefined || chart === undefined || clients === undefined
      ? []
      : [...Object.values(rolesOf({ tokens, chart })), ...clients.map(({ role }) => role)];
  const twice = roles.filter((role, i) => roles.indexOf(role) < i);
  if (twice.length > 0) {
    const where = clients?.some(({ role }) => twice.includes(role)) ? ["clients"] : ["tokens", "roles"];
    add(
      where,
      `the role ${[...new Set(twice)].join(", ")} twice`,
      "every role once, in tokens.roles and clients together",
    );
  }

  for (const name of ["pulsar", "manager"] as const) {
    const image = images?.[name];
    if (registry === undefined || image === undefined || !namesRegistry(image.repository)) continue;
    const allowed = `an image without its registry: pulsar:registry (${registry}) is put before it`;
    add(["images", name], JSON.stringify(imageRef(image)), allowed);
  }
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
  const managerTag = images?.manager?.tag;
  if (chart !== undefined && managerTag !== undefined && openManagerVersions.includes(managerTag)) {
    if (!chartLine(chart.version).manager.takesFrontEnd) {
      const allowed = `a version that anybody who reaches it cannot make himself an account of, which chart ${chart.version} could not close`;
      add(["images", "manager"], managerTag, allowed);
    }
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
  return [...faults, ...ingressFaults(settings)];
}
