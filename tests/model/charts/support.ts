import type { PulsarCluster } from "../../../model/charts/cluster.ts";
import { components, type Placement } from "../../../model/layouts/layout.ts";
import { type PodSize, podSizes, type SizedComponent } from "../../../model/sizing.ts";
import { tlsSecrets } from "../../../model/tls.ts";

export const toleration = { key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" } as const;
export const selector = { "node-role.kubernetes.io/pulsar": "pulsar" };

export const place = (replicas: number): Placement => ({
  replicas,
  nodeSelector: selector,
  tolerations: [toleration],
  nodes: ["node1"],
  rule: "any",
  overZones: false,
});

export const cluster: PulsarCluster = {
  release: "pulsar",
  clusterDomain: "k8s.example",
  placements: Object.fromEntries(
    components.map((name) => [name, place(name === "toolset" ? 1 : 3)]),
  ) as PulsarCluster["placements"],
  pods: podSizes({}, {}),
  images: {
    pulsar: { repository: "harbor.example.com/library/apachepulsar/pulsar-all", tag: "2.7.4" },
    manager: { repository: "harbor.example.com/library/apachepulsar/pulsar-manager", tag: "v0.2.0" },
    pullSecret: "regsecret",
  },
  tokens: { keys: "asymmetric", roles: { broker: "broker-admin", proxy: "proxy-admin", client: "admin" } },
  volumes: {
    storageClass: { name: "local-storage", create: true },
    sizes: { "zookeeper-data": "20Gi", "bookie-journal": "50Gi", "bookie-ledgers": "50Gi" },
  },
  ledgers: { ensemble: 3, write: 2, ack: 1 },
  manager: {
    jdbcUrl: "jdbc:postgresql://postgres.example.com:5432/pulsar_manager",
    secret: "pulsar-manager-database",
    token: { secret: "pulsar-token-admin", key: "TOKEN" },
  },
};

export const size: PodSize = {
  requests: { cpu: "2", memory: "8Gi" },
  limits: { cpu: undefined, memory: "8Gi" },
  heap: "2Gi",
  direct: "3000Mi",
};

/** The cluster with pod settings. */
export function sized(sizes: Partial<Record<SizedComponent, PodSize>>): PulsarCluster {
  return { ...cluster, pods: { ...podSizes({}, {}), ...sizes } };
}

export const allSizes: Partial<Record<SizedComponent, PodSize>> = Object.fromEntries(
  Object.keys(podSizes({}, {})).map((component) => [component, size]),
);

/** The cluster with every optional setting. */
export const everything: PulsarCluster = {
  ...cluster,
  placements: Object.fromEntries(
    Object.entries(cluster.placements).map(([name, placement]) => [
      name,
      { ...placement, rule: "spread", overZones: true },
    ]),
  ) as PulsarCluster["placements"],
  pods: { ...podSizes({}, {}), ...allSizes, proxy: { ...size, priorityClass: "high" } },
  tokens: { keys: "symmetric", roles: { ...cluster.tokens.roles, manager: "manager-admin" } },
  racks: ["/a", "/b", "/c", "/a"],
  manager: { ...cluster.manager, frontEnd: "pulsar-manager-front-end" },
};

/** The same with TLS. */
export const encrypted: PulsarCluster = { ...everything, tls: tlsSecrets("pulsar") };

/** The environment variable from which each component's start script reads the JVM memory. */
export const memoryVariables = new Map([
  ["zookeeper", "PULSAR_MEM"],
  ["bookkeeper", "PULSAR_MEM"],
  ["broker", "PULSAR_MEM"],
  ["proxy", "PULSAR_MEM"],
  ["autorecovery", "BOOKIE_MEM"],
  ["toolset", "PULSAR_MEM"],
]);

/** The value at the path `a.b.c`. */
export function valueAt(path: string, of: unknown): unknown {
  return path.split(".").reduce((value, key) => (value as Record<string, unknown> | undefined)?.[key], of);
}
