import { imageRef, namesRegistry } from "../model/charts/images.ts";
import { chartLine } from "../model/charts/lines.ts";
import { openManagerVersions } from "../model/managerFrontEnd.ts";
import { supportedManagerVersions } from "../model/managerSchemas/index.ts";
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
  const add = (path: PropertyKey[], problem: string, remedy: string) =>
    faults.push({ key: keyOf(path), problem, remedy });

  const roles =
    tokens === undefined || chart === undefined || clients === undefined
      ? []
      : [...Object.values(rolesOf({ tokens, chart })), ...clients.map(({ role }) => role)];
  const twice = roles.filter((role, i) => roles.indexOf(role) < i);
  if (twice.length > 0) {
    const where = clients?.some(({ role }) => twice.includes(role)) ? ["clients"] : ["tokens", "roles"];
    add(
      where,
      `repeats ${[...new Set(twice)].join(", ")}`,
      "use each role only once in tokens.roles and clients together",
    );
  }

  for (const name of ["pulsar", "manager"] as const) {
    const image = images?.[name];
    if (registry === undefined || image === undefined || !namesRegistry(image.repository)) continue;
    add(
      ["images", name],
      `${JSON.stringify(imageRef(image))} names a registry although pulsar:registry (${registry}) is set`,
      "use the name of the image without its registry",
    );
  }
  const credentials = "imagePullCredentials" in settings && settings.imagePullCredentials !== undefined;
  if (images !== undefined && credentials && images.pullSecret === undefined) {
    add(
      ["images", "pullSecret"],
      "is not set although pulsar:imagePullCredentials is",
      "set the name of the Secret to create from it",
    );
  }
  if (
    images?.pullSecret !== undefined &&
    "imagePullCredentials" in settings &&
    !credentials &&
    settings.createNamespace
  ) {
    add(
      ["imagePullCredentials"],
      `is not set, so Secret ${images.pullSecret} would have to exist in a namespace that does not exist yet`,
      "set a Docker configuration (pulumi config set --secret), or create namespace and Secret first and set pulsar:createNamespace to false",
    );
  }
  const managerTag = images?.manager?.tag;
  if (chart !== undefined && managerTag !== undefined && openManagerVersions.includes(managerTag)) {
    if (!chartLine(chart.version).manager.takesFrontEnd) {
      add(
        ["images", "manager"],
        `${managerTag} lets anybody who reaches it create an account, which chart ${chart.version} cannot prevent`,
        `use ${supportedManagerVersions.filter((version) => !openManagerVersions.includes(version)).join(" or ")}`,
      );
    }
  }
  if (managerDatabase?.tlsCaFile !== undefined && managerDatabase.tls !== "verify-full") {
    add(
      ["managerDatabase", "tlsCaFile"],
      `is not used with tls ${managerDatabase.tls}`,
      "remove it, or set pulsar:managerDatabase.tls to verify-full",
    );
  }
  if (managerDatabase?.create && "managerDatabaseAdminPassword" in settings && !settings.managerDatabaseAdminPassword) {
    add(
      ["managerDatabaseAdminPassword"],
      "is not set",
      "set the password of pulsar:managerDatabase.admin.user (pulumi config set --secret), or set pulsar:managerDatabase.create to false if role and database exist",
    );
  }
  return [...faults, ...ingressFaults(settings)];
}
