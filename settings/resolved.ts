import type { Image, Ledgers, PulsarCluster } from "../model/charts/cluster.ts";
import { inRegistry } from "../model/charts/images.ts";
import { chartLine } from "../model/charts/lines.ts";
import { fullName, type Volume } from "../model/charts/names.ts";
import type { NodeRole, StackNode } from "../model/layouts/layout.ts";
import { amount, type NodeSize } from "../model/sizing.ts";
import type { TenantSettings } from "../model/tenants.ts";
import type { Claims } from "../model/tokens.ts";
import type { IngressSettings } from "../model/ingress.ts";
import { keyOf } from "./faults.ts";
import type { Parsed } from "./schema.ts";

/** A node as the settings describe it. */
export interface SettingsNode extends StackNode, NodeSize {
  /** The key that describes it, for messages: `pulsar:nodes[1]`. */
  setting: string;
  /** Directories and sizes that are this node's own. */
  directories?: Partial<Record<Volume, string | undefined>> | undefined;
  sizes?: Partial<Record<Volume, string | undefined>> | undefined;
}

export const groupNames = ["zookeeper", "bookkeeper", "serving"] as const;
export type NodeGroups = Record<(typeof groupNames)[number], SettingsNode[]>;

type Given<Keys extends keyof Parsed> = Pick<Parsed, Keys>;

/** What a group says of its nodes holds for each that says nothing else; the hostname label is by default the name. */
export function nodeGroupsOf({ nodeGroups }: Given<"nodeGroups">): NodeGroups {
  const nodes = (group: (typeof groupNames)[number]) => {
    const { cpu, memory, nodes } = nodeGroups[group];
    return nodes.map((node, i) =>
      filled({ ...node, cpu: node.cpu ?? cpu, memory: node.memory ?? memory }, ["nodeGroups", group, "nodes", i]),
    );
  };
  return { zookeeper: nodes("zookeeper"), bookkeeper: nodes("bookkeeper"), serving: nodes("serving") };
}

/** Every node that the settings name, in their order. */
export function allNodes(given: Given<"layout" | "nodes" | "nodeGroups">): SettingsNode[] {
  if (given.layout === "mixed") return given.nodes.map((node, i) => filled(node, ["nodes", i]));
  const groups = nodeGroupsOf(given);
  return groupNames.flatMap((group) => groups[group]);
}

function filled(node: Parsed["nodes"][number], path: PropertyKey[]): SettingsNode {
  return { ...node, hostname: node.hostname ?? node.name, setting: keyOf(path) };
}

/** How often each component runs. In the dedicated layout ZooKeeper and the bookies run on every node of theirs, unless told otherwise. */
export function replicasOf({ layout, replicas, nodeGroups }: Given<"layout" | "replicas" | "nodeGroups">) {
  const own = (group: "zookeeper" | "bookkeeper") => (layout === "mixed" ? 3 : nodeGroups[group].nodes.length);
  return {
    ...replicas,
    zookeeper: replicas.zookeeper ?? own("zookeeper"),
    bookkeeper: replicas.bookkeeper ?? own("bookkeeper"),
    // Pulsar Manager runs once: the charts have no other number (2.7.7 and 4.7.0).
    manager: 1 as const,
  };
}

/** How ledgers are written: as the chart does (2.7.7) in the mixed layout; in the dedicated one with a copy more, so that one may be lost at any time. */
export function ledgersOf({ layout, ledgers }: Given<"layout" | "ledgers">): Ledgers {
  const usual = layout === "mixed" ? { ensemble: 2, write: 2, ack: 2 } : { ensemble: 3, write: 3, ack: 2 };
  return {
    ensemble: ledgers.ensemble ?? usual.ensemble,
    write: ledgers.write ?? usual.write,
    ack: ledgers.ack ?? usual.ack,
  };
}

/** What runs: where nothing is said, what the chart line is made for. All of it in the stack's registry, if it has one of its own. */
export function imagesOf({ registry, images, chart }: Given<"registry" | "images" | "chart">): PulsarCluster["images"] {
  const usual = chartLine(chart.version).images;
  const placed = (image: Image): Image => ({ ...image, repository: inRegistry(image.repository, registry) });
  return {
    pulsar: placed(images.pulsar ?? usual.pulsar),
    manager: placed(images.manager ?? usual.manager),
    pullSecret: images.pullSecret,
    registry,
  };
}

/** The super users. Without a role of its own, from the settings or the chart line, the manager uses the administrators' token. */
export function rolesOf({ tokens, chart }: Given<"tokens" | "chart">): PulsarCluster["auth"]["superUsers"] {
  const { manager = chartLine(chart.version).manager.role, ...roles } = tokens.roles;
  return manager === undefined ? roles : { ...roles, manager };
}

/** What each token is to say: super users' and, unless an application has a day of its own, applications' tokens expire on the same day. */
export function claimsOf(given: Given<"tokens" | "chart" | "clients">): { superUsers: Claims[]; clients: Claims[] } {
  const { expires } = given.tokens;
  const superUsers = Object.values<string | undefined>(rolesOf(given));
  return {
    superUsers: superUsers.flatMap((role) => (role === undefined ? [] : [{ role, expires }])),
    clients: given.clients.map((client) => ({ role: client.role, expires: client.expires ?? expires })),
  };
}

/** What is to be in Pulsar. A tenant may by default be in the one cluster there is, whose name is the chart's, unless the values change it. */
export function tenantsOf(given: Given<"tenants" | "adoptedTenants" | "release" | "values">): TenantSettings[] {
  const { tenants, adoptedTenants, release, values } = given;
  const cluster = typeof values["clusterName"] === "string" ? values["clusterName"] : fullName(release);
  /** An entry holds for everything in what it names. */
  const adoption = (...path: string[]) =>
    path.some((_, i) => adoptedTenants.includes(path.slice(0, i + 1).join("/"))) ? { adopt: true } : {};
  return tenants.map(({ adminRoles = [], allowedClusters = [cluster], namespaces, ...tenant }) => ({
    ...tenant,
    ...adoption(tenant.name),
    adminRoles,
    allowedClusters,
    namespaces: namespaces.map((namespace) => ({
      ...namespace,
      ...adoption(tenant.name, namespace.name),
      topics: namespace.topics.map((topic) => ({
        ...topic,
        ...adoption(tenant.name, namespace.name, topic.name),
        partitions: topic.partitions ?? 0,
      })),
    })),
  }));
}

/** The Ingress settings if they name a host. */
export function ingressOf({ ingress }: Given<"ingress">): IngressSettings | undefined {
  return ingress.manager === undefined && ingress.admin === undefined ? undefined : ingress;
}

/** `production` unless the layout is the test environment's, or the settings say otherwise. */
export function isProduction({ layout, environment }: Given<"layout" | "environment">): boolean {
  return (environment ?? (layout === "dedicated" ? "production" : "test")) === "production";
}

/** Whom network policies let in, and whether there are any: in production, unless the settings say otherwise. */
export function networkPoliciesOf(given: Given<"layout" | "environment" | "networkPolicies" | "chart" | "values">) {
  const { enabled = isProduction(given), ...letIn } = given.networkPolicies;
  return { ...letIn, enabled, functions: functionsOf(given) };
}

/** Whether brokers run functions: as the chart line has it, unless the chart values say otherwise. */
function functionsOf({ chart, values }: Given<"chart" | "values">): boolean {
  const { components } = values as { components?: { functions?: unknown } | null };
  const said = components?.functions;
  return typeof said === "boolean" ? said : chartLine(chart.version).pods.functions;
}

/** Nodes that the cluster has besides the stack's, without taint: how many the rehearsal simulates, and what each offers. */
export function otherNodesOf(
  given: Given<"layout" | "nodeGroups" | "clusterHasOtherNodes">,
): NodeSize & { count: number } {
  const { cpu, memory, untainted } = given.nodeGroups.serving;
  if (given.layout === "dedicated" && untainted !== undefined) return { count: untainted, cpu, memory };
  return { count: given.clusterHasOtherNodes ? 1 : 0 };
}

/** What the smallest node of each role offers, where all of them say what they do. */
export function nodeSizesOf(given: Given<"layout" | "nodes" | "nodeGroups">): Partial<Record<NodeRole, NodeSize>> {
  if (given.layout === "mixed") return { everything: smallest(given.nodes) };
  const groups = nodeGroupsOf(given);
  const { cpu, memory } = given.nodeGroups.serving;
  return {
    zookeeper: smallest(groups.zookeeper),
    bookkeeper: smallest(groups.bookkeeper),
    serving: groups.serving.length > 0 ? smallest(groups.serving) : { cpu, memory },
  };
}

function smallest(nodes: readonly NodeSize[]): NodeSize {
  const least = (quantities: (string | undefined)[]) =>
    quantities.includes(undefined) || quantities.length === 0
      ? undefined
      : quantities.reduce((a, b) => (amount(b ?? "") < amount(a ?? "") ? b : a));
  return { cpu: least(nodes.map(({ cpu }) => cpu)), memory: least(nodes.map(({ memory }) => memory)) };
}
