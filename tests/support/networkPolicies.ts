/**
 * The effect of NetworkPolicies, as Kubernetes documents them (networking.k8s.io/v1): both ends must allow a connection. An end that no policy selects
 * for a direction allows it; otherwise a rule of one of these policies must allow it.
 *
 * It is based only on the documentation, not on the code that creates the policies.
 */
import { BlockList, isIPv6 } from "node:net";

/** A pod, or an address outside the cluster. */
export type End = { namespace: string; labels: Record<string, string> } | { ip: string };

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}

interface Port {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

/** The API object, reduced to the fields that are used. */
export interface Policy {
  metadata: { namespace: string };
  spec: {
    podSelector: Selector;
    policyTypes?: string[];
    ingress?: { from?: Peer[]; ports?: Port[] }[];
    egress?: { to?: Peer[]; ports?: Port[] }[];
  };
}

/** Whether `from` can connect to a port of `to`. */
export function allowed(policies: readonly Policy[], from: End, to: End, port: number, protocol = "TCP"): boolean {
  const leaves = policies
    .filter((policy) => selects(policy, from) && governs(policy, "Egress"))
    .map(({ metadata, spec }) => ({
      metadata,
      rules: (spec.egress ?? []).map(({ to, ports }) => ({ peers: to, ports })),
    }));
  const enters = policies
    .filter((policy) => selects(policy, to) && governs(policy, "Ingress"))
    .map(({ metadata, spec }) => ({
      metadata,
      rules: (spec.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })),
    }));
  const passes = (side: typeof leaves, other: End) =>
    side.length === 0 ||
    side.some(({ metadata, rules }) =>
      rules.some(
        ({ peers = [], ports = [] }) =>
          (peers.length === 0 || peers.some((peer) => isPeer(peer, metadata.namespace, other))) &&
          (ports.length === 0 || ports.some((one) => isPort(one, port, protocol))),
      ),
    );
  return passes(leaves, to) && passes(enters, from);
}

/** Whether a policy selects a pod. An address outside the cluster is never selected. */
export function selects({ metadata, spec }: Policy, end: End): boolean {
  return "labels" in end && end.namespace === metadata.namespace && matches(spec.podSelector, end.labels);
}

/** Without types, a policy applies to ingress, and to egress if it has egress rules. */
function governs({ spec }: Policy, type: "Ingress" | "Egress"): boolean {
  const { policyTypes = ["Ingress", ...(spec.egress === undefined ? [] : ["Egress"])] } = spec;
  return policyTypes.includes(type);
}

function isPeer({ podSelector, namespaceSelector, ipBlock }: Peer, own: string, end: End): boolean {
  if (ipBlock !== undefined) return "ip" in end && inBlock(ipBlock, end.ip);
  if (!("labels" in end)) return false;
  const right = namespaceSelector
    ? matches(namespaceSelector, { "kubernetes.io/metadata.name": end.namespace })
    : end.namespace === own;
  return right && (podSelector === undefined || matches(podSelector, end.labels));
}

function inBlock({ cidr, except = [] }: { cidr: string; except?: string[] }, ip: string): boolean {
  const inside = (range: string) => {
    const [address = "", bits = ""] = range.split("/");
    const list = new BlockList();
    list.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
    return list.check(ip, isIPv6(ip) ? "ipv6" : "ipv4");
  };
  return inside(cidr) && !except.some(inside);
}

function isPort({ protocol = "TCP", port, endPort }: Port, wanted: number, wantedProtocol: string): boolean {
  // A name refers to a container's port, which is not known here.
  if (typeof port === "string") throw new Error(`port ${port} is a name`);
  if (protocol !== wantedProtocol) return false;
  return port === undefined || (port <= wanted && wanted <= (endPort ?? port));
}

function matches({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Record<string, string>): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case "In":
          return value !== undefined && values.includes(value);
        case "NotIn":
          return value === undefined || !values.includes(value);
        case "Exists":
          return value !== undefined;
        case "DoesNotExist":
          return value === undefined;
        default:
          throw new Error(`there is no operator ${operator}`);
      }
    })
  );
}
