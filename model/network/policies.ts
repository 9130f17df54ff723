import { z } from "zod";
import { podLabels } from "../charts/cluster.ts";
import * as scalar from "../scalars.ts";
import type { Flow, ExternalPeer, OwnComponent } from "./flows.ts";

/** Network policies from the table of flows, in the terms of networking.k8s.io/v1. */

const aClient = "{namespace: shop} or {cidr: 10.20.0.0/16}";
const someClients = `a list of clients that may reach the proxies, each ${aClient}, or remove it to allow everybody`;
export const networkPoliciesSchema = scalar
  .object({
    enabled: scalar.flag
      .optional()
      .meta({ description: "Whether there is a NetworkPolicy for each component.", otherwise: "true in production" }),
    clients: z
      .array(
        z.union([scalar.object({ namespace: scalar.label }), scalar.object({ cidr: scalar.cidr })], {
          error: `an entry for each client, either ${aClient}`,
        }),
        {
          error: someClients,
        },
      )
      .min(1, { error: someClients })
      .optional()
      .meta({ description: "Who may reach the proxies, each `{namespace}` or `{cidr}`.", otherwise: "everybody" }),
    ingressController: scalar.label
      .optional()
      .meta({ description: "Namespace of the Ingress controller.", otherwise: "it reaches nothing" }),
    monitoring: scalar.label
      .optional()
      .meta({ description: "Namespace of Prometheus.", otherwise: "it reaches nothing" }),
  })
  .prefault({})
  .meta({
    description: "NetworkPolicies of the components; see docs/network.md.",
    example: "pulsar:networkPolicies:\n  clients: [{ namespace: shop }]\n  ingressController: ingress-nginx",
  });

type NetworkPolicySettings = z.output<typeof networkPoliciesSchema>;

/** The peers outside the stack that the settings allow. */
export interface NetworkAccess extends Omit<NetworkPolicySettings, "enabled"> {
  /** Whether the brokers run functions in pods. */
  functions: boolean;
  /** The port of the manager's database. */
  databasePort: number;
}

/** All pods of a namespace, or an address range. */
export type Client = NonNullable<NetworkPolicySettings["clients"]>[number];

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: "In"; values: string[] }[];
}

/** Without a namespace selector, pods of the policy's own namespace. */
export type Peer =
  | { podSelector: LabelSelector }
  | { namespaceSelector: LabelSelector }
  | { ipBlock: { cidr: string } };

export interface PolicyPort {
  protocol: "TCP" | "UDP";
  port: number;
  endPort?: number;
}

export interface PolicySpec {
  podSelector: LabelSelector;
  policyTypes: ["Ingress", "Egress"];
  /** Each rule allows its peers, or everybody if it has no `from`. Without rules, nobody is allowed. */
  ingress: { from?: Peer[]; ports: PolicyPort[] }[];
  /** The same for outgoing connections. */
  egress: { to?: Peer[]; ports: PolicyPort[] }[];
}

/**
 * A policy for each component: its pods accept and open only the connections of the flows. Kubernetes does not restrict pods that no policy
 * selects, so every pod of the release needs a policy; other pods in the namespace have none.
 */
export function policiesOf(
  release: string,
  own: readonly OwnComponent[],
  flows: readonly Flow[],
  access: NetworkAccess,
): Map<OwnComponent, PolicySpec> {
  const peers = (who: OwnComponent | ExternalPeer) => peersOf(who, release, access);
  const ports = (flow: Flow) => portsOf(flow, access.databasePort);
  return new Map(
    own.map((component) => [
      component,
      {
        podSelector: { matchLabels: podLabels(release, component) },
        policyTypes: ["Ingress", "Egress"],
        ingress: flows
          .filter(({ to }) => to === component)
          .flatMap((flow) => rules(flow.from.map(peers), ports(flow)))
          .map(({ peers, ports }) => ({ ...(peers && { from: peers }), ports })),
        egress: flows
          .filter(({ from }) => from.includes(component))
          .flatMap((flow) => rules([peers(flow.to)], ports(flow)))
          .map(({ peers, ports }) => ({ ...(peers && { to: peers }), ports })),
      },
    ]),
  );
}

/** Every port but one. */
export function allBut(port: number): PolicyPort[] {
  const ranges = [
    { port: 1, endPort: port - 1 },
    { port: port + 1, endPort: 65535 },
  ];
  return ranges.filter(({ port, endPort }) => port <= endPort).map((range) => ({ protocol: "TCP", ...range }));
}

const everybody = "everybody";

interface Rule {
  /** Allowed peers. @default everybody */
  peers?: Peer[];
  ports: PolicyPort[];
}

/** No rule without peers: to Kubernetes, such a rule allows everybody. */
function rules(peers: (Peer[] | typeof everybody)[], ports: PolicyPort[]): Rule[] {
  if (peers.includes(everybody)) return [{ ports }];
  const named = peers.flatMap((some) => (some === everybody ? [] : some));
  return named.length === 0 ? [] : [{ peers: named, ports }];
}

function peersOf(
  who: OwnComponent | ExternalPeer,
  release: string,
  { clients, functions, ingressController, monitoring }: NetworkAccess,
): Peer[] | typeof everybody {
  switch (who) {
    case "functions":
      return functions ? [{ podSelector: functionPods }] : [];
    case "clients":
      return clients?.map(clientPeer) ?? everybody;
    case "ingress controller":
      return inNamespace(ingressController);
    case "monitoring":
      return inNamespace(monitoring);
    case "cluster DNS": // Its place, and whether it uses the host's network, differ between clusters.
    case "manager's database": // The settings have its host name, which a policy cannot contain.
    case "elsewhere":
      return everybody;
    default:
      return [{ podSelector: { matchLabels: podLabels(release, who) } }];
  }
}

/** The labels `component` of the pods that brokers create. They have no labels `app` and `release` (KubernetesRuntime, Pulsar 2.7 and 4.0). */
export const functionComponents = ["function", "source", "sink"];
const functionPods: LabelSelector = {
  matchExpressions: [{ key: "component", operator: "In", values: functionComponents }],
};

function portsOf({ to, ports }: Flow, databasePort: number): PolicyPort[] {
  if (ports === "all but the database's") return allBut(databasePort);
  if (ports === "the database's") return [{ protocol: "TCP", port: databasePort }];
  const protocols = to === "cluster DNS" ? (["UDP", "TCP"] as const) : (["TCP"] as const);
  return protocols.flatMap((protocol) => ports.map((port) => ({ protocol, port })));
}

function clientPeer(client: Client): Peer {
  return "cidr" in client ? { ipBlock: { cidr: client.cidr } } : namespacePeer(client.namespace);
}

function inNamespace(name: string | undefined): Peer[] {
  return name === undefined ? [] : [namespacePeer(name)];
}

/** Kubernetes labels every namespace with its name (since 1.21). */
function namespacePeer(name: string): Peer {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } };
}
