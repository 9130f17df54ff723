import { type Fault, keyOf } from "./faults.ts";
import { plainWaysIn } from "./ingress.ts";
import { allNodes, isProduction } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/**
 * What a production stack may not say, however it says it: also `values` are looked through. The only way out is `pulsar:environment test`, which
 * stands in the stack file and is warned of in every preview.
 */
export function productionFaults(settings: Partial<Parsed>): Fault[] {
  const { layout, environment } = settings;
  if (layout === undefined || !("environment" in settings) || !isProduction({ layout, environment })) return [];
  const faults: Fault[] = [];
  const add = (path: PropertyKey[], found: string, allowed: string) =>
    faults.push({ key: keyOf(path), found, allowed: `${allowed} (production)` });

  if (layout === "mixed") add(["layout"], "mixed", "dedicated: ZooKeeper and the bookies need nodes of their own");
  const { images, managerDatabase, adminApi, ingress, values = {}, nodes, nodeGroups } = settings;
  if (images?.pulsar?.tag === "latest")
    add(["images", "pulsar"], "latest", "a version, so that what runs is what was reviewed");
  if (managerDatabase?.tls === "disable") {
    add(
      ["managerDatabase", "tls"],
      "disable",
      "require or verify-full: the manager's password would cross the network in plain text",
    );
  }
  if (managerDatabase?.deleteData) {
    add(["managerDatabase", "deleteData"], "true", "false: data is dropped by hand, not by an update");
  }
  const { protocol, hostname } = new URL(adminApi?.address ?? "https://none");
  if (protocol === "http:" && !/^(localhost|127\..*|\[::1\])$/.test(hostname)) {
    add(
      ["adminApi", "address"],
      adminApi?.address ?? "",
      "an https:// address, or none: the administrators' token would cross the network in plain text",
    );
  }
  if (ingress !== undefined) {
    for (const way of plainWaysIn({ ingress })) {
      add(
        ["ingress", way],
        "no TLS",
        "a tlsSecret of its own, or a cert-manager clusterIssuer or issuer: passwords and tokens would cross the network in plain text",
      );
    }
  }
  if (layout === "dedicated" && nodes !== undefined && nodeGroups !== undefined) {
    const unknown = allNodes({ layout, nodes, nodeGroups }).filter(({ cpu, memory }) => !cpu || !memory);
    const { untainted, cpu, memory } = nodeGroups.serving;
    const names = unknown.map(({ name }) => name);
    if (untainted !== undefined && (!cpu || !memory)) names.push("the untainted serving nodes");
    if (names.length > 0) {
      add(
        ["nodeGroups"],
        `no cpu or no memory for ${names.join(", ")}`,
        "what each node offers (status.allocatable): the pods' requests are derived from it, and the rehearsal adds them up",
      );
    }
  }
  for (const rule of valueRules) {
    for (const { path, value } of valuesAt(values, rule.path)) {
      if (rule.refused(value)) add(["values", ...path], JSON.stringify(value), rule.allowed);
    }
  }
  return faults;
}

interface ValueRule {
  /** Keys of the chart's values; `*` stands for any. */
  path: string[];
  refused: (value: unknown) => boolean;
  allowed: string;
}

const running = ["zookeeper", "bookkeeper", "autorecovery", "broker", "proxy"];
const isFalse = (value: unknown) => value === false;
const always = () => true;
const placed = ["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "pulsar_manager"];
const spread = ["zookeeper", "bookkeeper", "broker", "proxy"];

/** Chart values (2.7.7 and 4.7.0) that would undo what the settings have been checked for. */
const valueRules: ValueRule[] = [
  // The second is of 4.7.0 alone.
  ...["service", "adminService"].map((service) => ({
    path: ["pulsar_manager", service, "type"],
    refused: (type: unknown) => type === "LoadBalancer" || type === "NodePort",
    allowed: "ClusterIP: anybody who reaches the manager can make himself its superuser",
  })),
  // Of 4.7.0.
  ...["extraVolumes", "extraVolumeMounts"].map((key) => ({
    path: ["pulsar_manager", key],
    refused: always,
    allowed: "nothing: it would take the place of what keeps others from making accounts",
  })),
  ...["pulsar_manager", "proxy"].map((component) => ({
    path: [component, "ingress", "enabled"],
    refused: (enabled: unknown) => enabled === true,
    allowed: "false: use pulsar:ingress, which lets in by TLS and a list of paths alone",
  })),
  // A digest may stand behind the tag: it says what runs, but nobody which version that is.
  ...[["images", "*", "tag"], ["pulsar_metadata", "image", "tag"], ["defaultPulsarImageTag"]].map((path) => ({
    path,
    refused: (tag: unknown) => /^latest(@|$)/.test(String(tag)),
    allowed: "a version, best in pulsar:images",
  })),
  ...[
    ["persistence"],
    ["volumes", "persistence"],
    ["zookeeper", "volumes", "persistence"],
    ["bookkeeper", "volumes", "persistence"],
  ].map((path) => ({ path, refused: isFalse, allowed: "true: without, each start of a bookie formats it" })),
  ...placed.map((component) => ({
    path: [component, "replicaCount"],
    refused: always,
    allowed: "nothing: use pulsar:replicas, which is checked against the nodes",
  })),
  ...placed.flatMap((component) =>
    ["nodeSelector", "tolerations"].map((key) => ({
      path: [component, key],
      refused: always,
      allowed: "nothing: the layout places the pods",
    })),
  ),
  ...[["affinity", "anti_affinity"], ...spread.map((component) => [component, "affinity", "anti_affinity"])].map(
    (path) => ({
      path,
      refused: isFalse,
      allowed: "true: two on one node are lost together",
    }),
  ),
  ...[["authentication"], ["authentication", "jwt"], ["authorization"]].map((keys) => ({
    path: ["auth", ...keys, "enabled"],
    refused: isFalse,
    allowed: "true: without, everybody may read and delete everything",
  })),
  ...running.map((component) => ({
    path: ["components", component],
    refused: isFalse,
    allowed: "true: Pulsar needs it",
  })),
  ...[
    ["volumes", "local_storage"],
    ...["zookeeper", "bookkeeper"].map((component) => [component, "volumes", "*", "local_storage"]),
  ].map((path) => ({ path, refused: isFalse, allowed: "true: the volumes are local" })),
  ...spread.map((component) => ({
    path: [component, "affinity", "type"],
    refused: (type: unknown) => type !== "requiredDuringSchedulingIgnoredDuringExecution",
    allowed: "requiredDuringSchedulingIgnoredDuringExecution: two on one node are lost together",
  })),
  ...placed.map((component) => ({
    path: [component, "resources"],
    refused: always,
    allowed: "nothing: use pulsar:pods, which is checked against the nodes",
  })),
  ...["EnsembleSize", "WriteQuorum", "AckQuorum"].map((key) => ({
    path: ["broker", "configData", `managedLedgerDefault${key}`],
    refused: always,
    allowed: "nothing: use pulsar:ledgers, which is checked against the bookies",
  })),
];

/** The values at a path with `*` in it. */
function valuesAt(
  values: unknown,
  [key, ...rest]: string[],
  above: string[] = [],
): { path: string[]; value: unknown }[] {
  if (key === undefined) return [{ path: above, value: values }];
  if (typeof values !== "object" || values === null) return [];
  return Object.entries(values)
    .filter(([name]) => key === "*" || name === key)
    .flatMap(([name, value]) => valuesAt(value, rest, [...above, name]));
}
