import * as pulumi from "@pulumi/pulumi";
import type { PulsarCluster } from "../model/charts/cluster.ts";
import { type Image, inRegistry } from "../model/charts/images.ts";
import { chartLine } from "../model/charts/lines.ts";
import { fullName } from "../model/charts/names.ts";
import type { ClusterRef } from "../model/clusterRef.ts";
import { bookieRacks, type NodeRole } from "../model/layouts/layout.ts";
import { layoutOf } from "../model/layouts/layouts.ts";
import { ledgersOf } from "../model/ledgers.ts";
import { amount, type NodeSize, podSizes } from "../model/sizing.ts";
import { tenantsOf } from "../model/tenants.ts";
import type { Claims, TokenSettings } from "../model/tokens.ts";
import { planVolumes } from "../model/volumes.ts";
import { keyOf } from "./faults.ts";
import { pullWarnings } from "./pullCredentials.ts";
import type { Parsed } from "./schema.ts";
import { valueWarnings } from "./values.ts";

export const groupNames = ["zookeeper", "bookkeeper", "serving"] as const;

export type SettingsNode = ReturnType<typeof completed>;

/** The settings of a stack with everything that follows from them. Secrets are secret outputs. */
export type Settings = ReturnType<typeof resolve>;

/** Computes, once, everything that follows from the settings. It accepts contradictory settings too: `contradictions` checks its result. */
export function resolve(given: Parsed, cluster: ClusterRef) {
  const { environment, manager, ...plain } = given;
  const { imagePullCredentials, managerPassword, managerDatabasePassword, managerDatabaseAdminPassword, ...settings } =
    plain;
  const { chart, clients, layout: layoutName, managerDatabase, networkPolicies, registry, release, tokens } = settings;
  const line = chartLine(chart.version);
  const { clusterName } = given.values;
  const production = (environment ?? (layoutName === "dedicated" ? "production" : "test")) === "production";

  const nodeGroups = nodeGroupsOf(given);
  const nodes =
    layoutName === "mixed"
      ? given.nodes.map((node, i) => completed(node, ["nodes", i]))
      : groupNames.flatMap((group) => nodeGroups[group]);
  const { untainted, cpu, memory } = given.nodeGroups.serving;
  const dataPods = (group: "zookeeper" | "bookkeeper") => (layoutName === "mixed" ? 3 : nodeGroups[group].length);
  const replicas = {
    ...given.replicas,
    zookeeper: given.replicas.zookeeper ?? dataPods("zookeeper"),
    bookkeeper: given.replicas.bookkeeper ?? dataPods("bookkeeper"),
    // The charts run one Pulsar Manager (2.7.7 and 4.7.0).
    manager: 1,
  };
  const layout = layoutOf({ ...settings, nodes, nodeGroups, replicas });

  const own = (image: Image): Image => ({ ...image, repository: inRegistry(image.repository, registry) });
  const images: PulsarCluster["images"] = {
    pulsar: own(given.images.pulsar ?? line.images.pulsar),
    manager: own(given.images.manager ?? line.images.manager),
    pullSecret: given.images.pullSecret,
    registry,
  };
  // Without a role of its own, the manager uses the administrators' token.
  const { manager: managerRole = line.manager.role, ...otherRoles } = tokens.roles;
  const roles: TokenSettings["roles"] =
    managerRole === undefined ? otherRoles : { ...otherRoles, manager: managerRole };
  const encrypted = settings.tls.enabled ?? production;
  const { expires } = tokens;
  const claims: Record<"superUsers" | "clients", Claims[]> = {
    superUsers: Object.values<string | undefined>(roles).flatMap((role) => (role ? { role, expires } : [])),
    clients: clients.map((client) => ({ role: client.role, expires: client.expires ?? expires })),
  };

  return {
    ...settings,
    cluster,
    /** Whether data is protected and risky settings are refused. */
    production,
    line,
    layoutName,
    layout,
    /** Every node that the settings name, in order. */
    nodes,
    /** The nodes of the dedicated layout, in order. */
    nodeGroups,
    /** Nodes without a taint that the cluster has besides these: their number, and what each offers. */
    otherNodes:
      layoutName === "dedicated" && untainted !== undefined
        ? { count: untainted, cpu, memory }
        : { count: given.clusterHasOtherNodes ? 1 : 0 },
    plannedVolumes: planVolumes({ ...settings.volumes, release, nodes, placements: layout.placements }),
    racks: bookieRacks(layout.placements.bookkeeper, layout.nodes),
    replicas,
    pods: podSizes(given.pods, nodeSizesOf(given)),
    ledgers: ledgersOf(given.ledgers, layoutName),
    /** Including the registry. */
    images,
    tokens: { ...tokens, roles },
    /** The claims of the tokens. */
    claims,
    tls: {
      ...settings.tls,
      enabled: encrypted,
      trusted: settings.tls.trusted ?? [settings.tls.authority],
    },
    tenants: tenantsOf(given, typeof clusterName === "string" ? clusterName : fullName(release)),
    networkPolicies: {
      ...networkPolicies,
      enabled: networkPolicies.enabled ?? production,
      functions: functionsOf(given),
    },
    /** Undefined without a host. */
    ingress: (given.ingress.manager ?? given.ingress.admin) ? given.ingress : undefined,
    /** A Docker configuration as JSON text. */
    imagePullCredentials: imagePullCredentials === undefined ? undefined : pulumi.secret(imagePullCredentials),
    /** The login to Pulsar Manager. */
    managerLogin: { user: manager.user, password: pulumi.secret(managerPassword) },
    managerDatabase: {
      ...managerDatabase,
      password: pulumi.secret(managerDatabasePassword),
      /** Undefined without a password: role and database exist. */
      admin: managerDatabaseAdminPassword
        ? { ...managerDatabase.admin, password: pulumi.secret(managerDatabaseAdminPassword) }
        : undefined,
    },
    /** What the preview warns of. */
    warnings: [
      ...pullWarnings(imagePullCredentials, images),
      ...valueWarnings(given),
      ...hostWarnings(given, encrypted),
    ],
  };
}

/** Clients check the name by which they reach the proxies. Those outside the cluster do not use a name of the Service. */
function hostWarnings({ proxyService: { type }, tls: { hosts } }: Parsed, encrypted: boolean): string[] {
  if (!encrypted || type === "ClusterIP" || hosts.length > 0) return [];
  return [
    `${keyOf(["tls", "hosts"])}: is empty, so clients outside the cluster (pulsar:proxyService.type ${type}) refuse the proxies' certificate; ` +
      "add the names and addresses by which they reach the proxies",
  ];
}

/** CPU and memory of a group apply to each of its nodes that has none of its own. */
function nodeGroupsOf({ nodeGroups }: Pick<Parsed, "nodeGroups">) {
  const nodes = (group: (typeof groupNames)[number]) => {
    const { cpu, memory, nodes } = nodeGroups[group];
    return nodes.map((node, i) =>
      completed({ ...node, cpu: node.cpu ?? cpu, memory: node.memory ?? memory }, ["nodeGroups", group, "nodes", i]),
    );
  };
  return { zookeeper: nodes("zookeeper"), bookkeeper: nodes("bookkeeper"), serving: nodes("serving") };
}

/** A node with its host name, and its key for messages: `pulsar:nodes[1]`. */
function completed(node: Parsed["nodes"][number], path: PropertyKey[]) {
  return { ...node, hostname: node.hostname ?? node.name, setting: keyOf(path) };
}

/** Whether brokers run functions: the default of the chart line, unless the chart values set it. */
function functionsOf({ chart, values }: Parsed): boolean {
  const { components } = values as { components?: { functions?: unknown } | null };
  const functions = components?.functions;
  return typeof functions === "boolean" ? functions : chartLine(chart.version).pods.functions;
}

/** The capacity of the smallest node of each role, if all its nodes state theirs. */
export function nodeSizesOf(
  given: Pick<Parsed, "layout" | "nodes" | "nodeGroups">,
): Partial<Record<NodeRole, NodeSize>> {
  if (given.layout === "mixed") return { everything: smallest(given.nodes) };
  const { zookeeper, bookkeeper, serving } = nodeGroupsOf(given);
  const { cpu, memory } = given.nodeGroups.serving;
  return {
    zookeeper: smallest(zookeeper),
    bookkeeper: smallest(bookkeeper),
    serving: serving.length > 0 ? smallest(serving) : { cpu, memory },
  };
}

function smallest(nodes: readonly NodeSize[]): NodeSize {
  const least = (quantities: (string | undefined)[]) =>
    quantities.includes(undefined) || quantities.length === 0
      ? undefined
      : quantities.reduce((a, b) => (amount(b ?? "") < amount(a ?? "") ? b : a));
  return { cpu: least(nodes.map(({ cpu }) => cpu)), memory: least(nodes.map(({ memory }) => memory)) };
}
