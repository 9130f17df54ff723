/** Observations of small clusters for tests. */
import { mixedLayout } from "../../model/layouts/mixed.ts";
import type { NodeView, Observation, PodView, VolumeView } from "../../rehearsal/cluster/observe.ts";

/** The image of all pods. */
export const pulsarImage = "harbor.example.com/library/apachepulsar/pulsar-all:2.7.4";

export const taint = { key: "dedicated", value: "pulsar", effect: "NoSchedule" } as const;

/** The layout of the test stack: three nodes that run all components. */
export const layout = mixedLayout({
  nodes: ["node1", "node2", "node3"].map((name) => ({ name, hostname: name })),
  nodeLabel: { key: "node-role.kubernetes.io/pulsar", value: "pulsar" },
  nodeTaint: taint,
  replicas: { zookeeper: 3, bookkeeper: 3, broker: 3, proxy: 3, autorecovery: 1, toolset: 1, manager: 1 },
});

export function node(name: string, over: Partial<NodeView> = {}): NodeView {
  return {
    name,
    labels: { "kubernetes.io/hostname": name, "node-role.kubernetes.io/pulsar": "pulsar" },
    taints: [taint],
    allocatable: { cpu: 16, memory: 64 * 2 ** 30 },
    ...over,
  };
}

export function pod(name: string, over: Partial<PodView> = {}): PodView {
  return {
    name,
    title: name,
    component: undefined,
    job: undefined,
    node: undefined,
    state: over.node === undefined ? "pending" : "ready",
    unscheduled: undefined,
    tolerations: [{ ...taint, operator: "Equal" }],
    nodeSelector: { "node-role.kubernetes.io/pulsar": "pulsar" },
    requests: { cpu: 0, memory: 0 },
    claims: [],
    images: [pulsarImage],
    pullSecrets: ["regsecret"],
    ...over,
  };
}

export function volume(name: string, hostnames: string[]): VolumeView {
  return { name, phase: "Bound", claim: `pulsar/${name}`, size: "20Gi", hostnames };
}

export function observation(over: Partial<Observation> = {}): Observation {
  return {
    nodes: ["node1", "node2", "node3"].map((name) => node(name)),
    pods: [],
    claims: [],
    volumes: [],
    jobs: [],
    services: [],
    workloads: [],
    ...over,
  };
}

/** The test stack when everything runs. */
export function running(): Observation {
  const everywhere = (name: string, component = name): PodView[] =>
    [0, 1, 2].map((i) => pod(`pulsar-${name}-${i}`, { component, node: `node${i + 1}` }));
  return observation({
    pods: [
      ...everywhere("bookie"),
      ...everywhere("broker"),
      ...everywhere("proxy"),
      ...everywhere("zookeeper"),
      pod("pulsar-recovery-0", { component: "recovery", node: "node2" }),
      pod("pulsar-toolset-0", { component: "toolset", node: "node3" }),
      pod("pulsar-pulsar-manager-6b5f-x2x8z", {
        title: "pulsar-pulsar-manager",
        component: "pulsar-manager",
        node: "node1",
      }),
      pod("pulsar-bookie-init-abcde", {
        title: "pulsar-bookie-init",
        job: "pulsar-bookie-init",
        component: "bookie-init",
        node: "node1",
        state: "done",
      }),
    ],
    claims: [{ name: "data-0", phase: "Bound", volume: "data-0" }],
    volumes: [volume("data-0", ["node1"])],
    jobs: [{ name: "pulsar-bookie-init", component: "bookie-init", state: "complete" }],
    services: [{ name: "pulsar-proxy", type: "ClusterIP", ports: ["80/TCP", "6650/TCP"], pending: false }],
    workloads: [
      {
        kind: "StatefulSet",
        name: "pulsar-bookie",
        wanted: 3,
        created: 3,
        ready: 3,
        component: "bookie",
        refusal: undefined,
      },
    ],
  });
}
