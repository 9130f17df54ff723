import { imageRef, namesRegistry } from "../model/charts/images.ts";
import { openManagerVersions } from "../model/managerFrontEnd.ts";
import { supportedManagerVersions } from "../model/managerSchemas/index.ts";
import { type Add, type Fault, keyOf } from "./faults.ts";
import { ingressFaults } from "./ingress.ts";
import { labelFaults, releaseFaults } from "./lengths.ts";
import { networkFaults } from "./network.ts";
import { limits, memory, nodeFaults, paths, quorums, room, zoneRoom, zones } from "./nodes.ts";
import { productionFaults } from "./production.ts";
import type { Settings } from "./resolve.ts";
import type { Parsed } from "./schema.ts";
import { tenantFaults } from "./tenants.ts";
import { valueFaults } from "./values.ts";

/**
 * Adds the faults of settings that contradict each other. `given` is what the stack file says, without what follows from it; `invalid` are
 * the settings whose defaults take their place.
 */
type Check = (settings: Settings, add: Add, given: Parsed, invalid: readonly string[]) => void;

const nodeKeys = ["layout", "nodes", "nodeGroups"] as const;

/** The checks, each with the settings that must be valid for it: the default of one of them could cause a fault of another. */
const checks: [needs: readonly (keyof Parsed)[], check: Check][] = [
  [["chart"], releaseFaults],
  [["layout"], labelFaults],
  [nodeKeys, nodeFaults],
  [[...nodeKeys, "clusterHasOtherNodes", "replicas"], room],
  [[...nodeKeys, "replicas"], zoneRoom],
  [[...nodeKeys, "replicas"], zones],
  [[...nodeKeys, "replicas", "ledgers"], quorums],
  // Without the sizes of the nodes, no size is derived from them.
  [["pods"], limits],
  [["pods"], memory],
  [[...nodeKeys, "volumes"], paths],
  [["layout"], productionFaults],
  [["values"], valueFaults],
  [["layout", "environment", "networkPolicies"], networkFaults],
  [["tenants"], tenantFaults],
  [["tokens", "chart", "clients"], roleFaults],
  [["tls"], tlsFaults],
  [[], registryFaults],
  [["images", "imagePullCredentials", "createNamespace"], pullSecretFaults],
  [["chart"], managerFaults],
  [["managerDatabase", "managerDatabaseAdminPassword"], databaseFaults],
  [[], adminApiFaults],
  [[], ingressFaults],
  [["proxyService"], proxyServiceFaults],
];

/**
 * The faults that involve more than one setting.
 *
 * @param invalid settings that have a fault of their own; their defaults take their place
 */
export function contradictions(settings: Settings, given: Parsed, invalid: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  const add: Add = (key, problem, remedy) =>
    faults.push({ key: typeof key === "string" ? key : keyOf(key), problem, remedy });
  for (const [needs, check] of checks) {
    if (!needs.some((key) => invalid.includes(key))) check(settings, add, given, invalid);
  }
  return faults;
}

function roleFaults({ claims, clients }: Settings, add: Add) {
  const roles = [...claims.superUsers, ...claims.clients].map(({ role }) => role);
  const repeated = roles.filter((role, i) => roles.indexOf(role) < i);
  if (repeated.length === 0) return;
  add(
    clients.some(({ role }) => repeated.includes(role)) ? ["clients"] : ["tokens", "roles"],
    `repeats ${[...new Set(repeated)].join(", ")}`,
    "use each role only once in tokens.roles and clients together",
  );
}

function tlsFaults({ tls }: Settings, add: Add) {
  const { enabled, issuer, certManager, hosts, authority, trusted } = tls;
  const { lifetimeDays, authorityLifetimeDays, warnDays } = tls;
  if (issuer === "cert-manager" && certManager === undefined) {
    add(["tls", "certManager"], "is not set although pulsar:tls.issuer is cert-manager", "set the name of the issuer");
  }
  if (issuer !== "cert-manager" && certManager !== undefined) {
    add(
      ["tls", "certManager"],
      `is not used with issuer ${issuer}`,
      "remove it, or set pulsar:tls.issuer to cert-manager",
    );
  }
  if (!enabled && hosts.length > 0) {
    add(["tls", "hosts"], "is not used without TLS", "remove it, or set pulsar:tls.enabled to true");
  }
  if (!trusted.includes(authority)) {
    add(
      ["tls", "trusted"],
      `does not contain ${authority}, which signs the certificates (pulsar:tls.authority)`,
      `add ${authority}`,
    );
  }
  if (lifetimeDays > authorityLifetimeDays) {
    add(
      ["tls", "lifetimeDays"],
      `${lifetimeDays} is longer than the ${authorityLifetimeDays} days of the CA (pulsar:tls.authorityLifetimeDays)`,
      `use ${authorityLifetimeDays} at most`,
    );
  }
  if (warnDays >= lifetimeDays) {
    add(
      ["tls", "warnDays"],
      `${warnDays} is not shorter than the ${lifetimeDays} days of a certificate (pulsar:tls.lifetimeDays), so every preview would warn`,
      `use ${lifetimeDays - 1} at most`,
    );
  }
}

function registryFaults({ registry }: Settings, add: Add, { images }: Parsed) {
  for (const name of ["pulsar", "manager"] as const) {
    const image = images[name];
    if (registry === undefined || image === undefined || !namesRegistry(image.repository)) continue;
    add(
      ["images", name],
      `${JSON.stringify(imageRef(image))} names a registry although pulsar:registry (${registry}) is set`,
      "use the name of the image without its registry",
    );
  }
}

function pullSecretFaults({ images, imagePullCredentials, createNamespace }: Settings, add: Add) {
  if (imagePullCredentials !== undefined && images.pullSecret === undefined) {
    add(
      ["images", "pullSecret"],
      "is not set although pulsar:imagePullCredentials is",
      "set the name of the Secret to create from it",
    );
  }
  if (imagePullCredentials === undefined && images.pullSecret !== undefined && createNamespace) {
    add(
      ["imagePullCredentials"],
      `is not set, so Secret ${images.pullSecret} would have to exist in a namespace that does not exist yet`,
      "set a Docker configuration (pulumi config set --secret), or create namespace and Secret first and set pulsar:createNamespace to false",
    );
  }
}

function managerFaults({ chart, line }: Settings, add: Add, { images }: Parsed) {
  const tag = images.manager?.tag;
  if (tag === undefined || !openManagerVersions.includes(tag) || line.manager.takesFrontEnd) return;
  add(
    ["images", "manager"],
    `${tag} lets anybody who reaches it create an account, which chart ${chart.version} cannot prevent`,
    `use ${supportedManagerVersions.filter((version) => !openManagerVersions.includes(version)).join(" or ")}`,
  );
}

function databaseFaults({ managerDatabase: { tls, tlsCaFile, create, admin } }: Settings, add: Add) {
  if (tlsCaFile !== undefined && tls !== "verify-full") {
    add(
      ["managerDatabase", "tlsCaFile"],
      `is not used with tls ${tls}`,
      "remove it, or set pulsar:managerDatabase.tls to verify-full",
    );
  }
  if (create && admin === undefined) {
    add(
      ["managerDatabaseAdminPassword"],
      "is not set",
      "set the password of pulsar:managerDatabase.admin.user (pulumi config set --secret), or set pulsar:managerDatabase.create to false if role and database exist",
    );
  }
}

function proxyServiceFaults({ proxyService: { type, sourceRanges, externalTrafficPolicy } }: Settings, add: Add) {
  if (sourceRanges !== undefined && type !== "LoadBalancer") {
    add(
      ["proxyService", "sourceRanges"],
      `has no effect on a Service of type ${type}`,
      "remove it, and use pulsar:networkPolicies.clients",
    );
  }
  if (externalTrafficPolicy !== undefined && type === "ClusterIP") {
    add(["proxyService", "externalTrafficPolicy"], "has no effect on a Service of type ClusterIP", "remove it");
  }
}

function adminApiFaults({ adminApi }: Settings, add: Add) {
  if (adminApi.caFile === undefined || adminApi.address?.startsWith("https:")) return;
  add(
    ["adminApi", "caFile"],
    "is not used without an https:// address",
    "remove it, or set pulsar:adminApi.address to an https:// address",
  );
}
