import type { Flow, Outsider, Own } from "./flows.ts";

/** Network policies from the table of flows, in the terms of networking.k8s.io/v1. */

/** Whom the settings let in from outside the stack, and where the manager's database listens. */
export interface Surroundings {
  /** Who may reach the proxies. @default everybody: tokens guard them */
  clients?: Client[] | undefined;
  /** Whether the brokers run functions in pods. */
  functions: boolean;
  /** Namespace of the ingress controller. @default nobody */
  ingressController?: string | undefined;
  /** Namespace of Prometheus. @default nobody */
  monitoring?: string | undefined;
  /** As its pods or its host listen on it. */
  databasePort: number;
}

/** All pods of a namespace, or what has an address in a range. */
export type Client = { namespace: string } | { cidr: string };

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: "In"; values: string[] }[];
}

/** Without a namespace selector, pods of the policy's own namespace. */
export type Peer =
  { podSelector: LabelSelector } | { namespaceSelector: LabelSelector } | { ipBlock: { cidr: string } };

export interface PolicyPort {
  protocol: "TCP" | "UDP";
  port: number;
  endPort?: number;
}

export interface PolicySpec {
  podSelector: LabelSelector;
  policyTypes: ["Ingress", "Egress"];
  /** Each lets in whom it names, or everybody if it names nobody; without any, nobody is let in. */
  ingress: { from?: Peer[]; ports: PolicyPort[] }[];
  /** The same for where the pods may go. */
  egress: { to?: Peer[]; ports: PolicyPort[] }[];
}

/**
 * A policy for each component: its pods are reached by those, and reach those, that the flows name. A pod that no policy selects is not
 * bound by any (Kubernetes), so every pod of the release needs one, and others in the namespace have none.
 */
export function policiesOf(
  release: string,
  own: readonly Own[],
  flows: readonly Flow[],
  around: Surroundings,
): Map<Own, PolicySpec> {
  const peers = (who: Own | Outsider) => peersOf(who, release, around);
  const ports = (flow: Flow) => portsOf(flow, around.databasePort);
  return new Map(
    own.map((component) => [
      component,
      {
        podSelector: podsOf(release, component),
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
  /** Whom it lets through; nobody named: everybody. */
  peers?: Peer[];
  ports: PolicyPort[];
}

/** No rule where nobody is named: the API would take one without peers for one that lets everybody through. */
function rules(peers: (Peer[] | typeof everybody)[], ports: PolicyPort[]): Rule[] {
  if (peers.includes(everybody)) return [{ ports }];
  const named = peers.flatMap((some) => (some === everybody ? [] : some));
  return named.length === 0 ? [] : [{ peers: named, ports }];
}

function peersOf(
  who: Own | Outsider,
  release: string,
  { clients, functions, ingressController, monitoring }: Surroundings,
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
    case "cluster DNS": // Where it runs, and whether on the host's network, differs from cluster to cluster.
    case "manager's database": // It is given by name, and a policy takes none.
    case "elsewhere":
      return everybody;
    default:
      return [{ podSelector: podsOf(release, who) }];
  }
}

/** They bear neither the release's name nor `app` (KubernetesRuntime, Pulsar 2.7 and 4.0). */
const functionPods: LabelSelector = {
  matchExpressions: [{ key: "component", operator: "In", values: ["function", "source", "sink"] }],
};

function portsOf({ to, ports }: Flow, databasePort: number): PolicyPort[] {
  if (ports === "all but the database's") return allBut(databasePort);
  if (ports === "the database's") return [{ protocol: "TCP", port: databasePort }];
  const protocols = to === "cluster DNS" ? (["UDP", "TCP"] as const) : (["TCP"] as const);
  return protocols.flatMap((protocol) => ports.map((port) => ({ protocol, port })));
}

function podsOf(release: string, component: Own): LabelSelector {
  return { matchLabels: { app: "pulsar", release, component } };
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
