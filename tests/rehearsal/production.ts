/** Records of a production cluster for tests of the report: ten nodes in three zones, and the effect of lost nodes. */
import { dedicatedLayout } from "../../model/layouts/dedicated.ts";
import type { Component } from "../../model/layouts/layout.ts";
import { byName, type Observation, type PodView } from "../../rehearsal/cluster/observe.ts";
import { componentOf } from "../../rehearsal/report/placement.ts";
import type { RehearsalRecord } from "../../rehearsal/report/record.ts";
import type { Remaining, WhatIf } from "../../rehearsal/failures/whatIf.ts";
import { node, observation, pod, pulsarImage } from "./seen.ts";

const GiB = 2 ** 30;

/** Zones a, b and c in turn for the nodes of each role. */
function nodesOf(role: string, count: number) {
  return Array.from({ length: count }, (_, i) => {
    const name = `${role}-${i + 1}`;
    return { name, hostname: name, zone: ["a", "b", "c"][i % 3] };
  });
}

export const layout = dedicatedLayout({
  groups: { zookeeper: nodesOf("zk", 3), bookkeeper: nodesOf("bookie", 4), serving: nodesOf("serving", 3) },
  nodeLabel: { key: "node-role.kubernetes.io/pulsar", value: "pulsar" },
  nodeTaint: { key: "dedicated", value: "pulsar", effect: "NoSchedule" },
  replicas: { zookeeper: 3, bookkeeper: 4, broker: 3, proxy: 3, autorecovery: 1, toolset: 1, manager: 1 },
});

const room: Record<string, PodView["requests"]> = {
  zookeeper: { cpu: 3, memory: 6 * GiB },
  bookie: { cpu: 13.6, memory: 54.4 * GiB },
  broker: { cpu: 8, memory: 32 * GiB },
  proxy: { cpu: 2.4, memory: 9.6 * GiB },
};
const size: Record<string, PodView["requests"]> = { zookeeper: { cpu: 4, memory: 8 * GiB } };

function seen(): Observation {
  const pods = (component: string, nodes: string[], claims: string[] = []): PodView[] =>
    nodes.map((name, i) =>
      pod(`pulsar-${component}-${i}`, {
        component,
        node: name,
        requests: room[component] ?? { cpu: 0.5, memory: GiB },
        claims: claims.map((claim) => `pulsar-${component}-${claim}-pulsar-${component}-${i}`),
      }),
    );
  const on = (component: Component) => layout.placements[component].nodes;
  const all = [
    ...pods("zookeeper", on("zookeeper"), ["data"]),
    ...pods("bookie", on("bookkeeper"), ["journal", "ledgers"]),
    ...pods("broker", on("broker")),
    ...pods("proxy", on("proxy")),
    ...pods("recovery", ["serving-1"]),
    ...pods("toolset", ["serving-2"]),
    {
      ...pod("pulsar-pulsar-manager-6b5f-x2x8z", { component: "pulsar-manager", node: "serving-2" }),
      title: "pulsar-pulsar-manager",
      requests: { cpu: 0.5, memory: GiB },
    },
    ...["bookie-init", "pulsar-init"].map((component) =>
      pod(`pulsar-${component}-abcde`, {
        title: `pulsar-${component}`,
        component,
        job: `pulsar-${component}`,
        node: "serving-3",
        state: "done",
      }),
    ),
  ];
  const claims = all.flatMap(({ claims, node }) => claims.map((name) => ({ name, node: node ?? "" })));
  return observation({
    nodes: layout.nodes
      .map(({ name, labels, taints, role }) =>
        node(name, {
          labels: { ...labels, "kubernetes.io/hostname": name },
          taints,
          allocatable: size[role] ?? { cpu: 16, memory: 64 * GiB },
        }),
      )
      .sort(byName),
    pods: all.sort(byName),
    claims: claims.map(({ name }) => ({ name, phase: "Bound", volume: name })),
    volumes: claims.map(({ name, node }) => ({
      name,
      phase: "Bound",
      claim: `pulsar/${name}`,
      size: name.includes("ledgers") ? "2Ti" : name.includes("journal") ? "200Gi" : "20Gi",
      hostnames: [node],
    })),
    jobs: ["bookie-init", "pulsar-init"].map((component) => ({
      name: `pulsar-${component}`,
      component,
      state: "complete",
    })),
    services: ["bookie", "broker", "proxy", "zookeeper"].map((name) => ({
      name: `pulsar-${name}`,
      type: "ClusterIP",
      ports: ["443/TCP", "6651/TCP"],
      pending: false,
    })),
  });
}

/** A successful rehearsal of it. */
export function production(over: Partial<RehearsalRecord> = {}): RehearsalRecord {
  return {
    stack: "prod",
    layout,
    pullSecret: "regsecret",
    images: [pulsarImage],
    parts: {
      real: ["pulumi 3.250.0", "kube-apiserver 1.37.2", "kube-scheduler 1.37.2", "etcd 3.6.10", "helm 3.22.0"],
      standIns: ["kubelets are simulated (KWOK): no container runs", "chart pulsar 2.7.7: a stand-in"],
    },
    operations: (["up", "second up", "refresh", "destroy"] as const).map((name, i) => {
      return { name, seconds: 12.34 - i, outcome: "done", details: [] };
    }),
    seen: seen(),
    missing: [],
    leftovers: [],
    foreignChanges: [],
    ...over,
  };
}

/** The effect of lost nodes: pods with a volume or an anti-affinity wait, the others move to a remaining serving node. */
export function loss(names: string[], zone?: string): WhatIf {
  const before = seen();
  const refuge = layout.placements.broker.nodes.find((name) => !names.includes(name));
  const moves = before.pods.flatMap((one): WhatIf["moves"] => {
    if (one.node === undefined || !names.includes(one.node) || one.state === "done") return [];
    const component = componentOf(one.component);
    const movable = ["autorecovery", "toolset", "manager"].includes(component ?? "");
    const to = movable ? refuge : undefined;
    const why =
      one.claims.length > 0
        ? `its volume ${one.claims[0] ?? ""} is on the lost node ${one.node} and nowhere else`
        : "anti-affinity with pods on 2 nodes";
    return [{ pod: one.title, component, from: one.node, to, why: to === undefined ? why : undefined }];
  });
  const pods = before.pods.flatMap((one): PodView[] => {
    const move = moves.find(({ pod }) => pod === one.title);
    if (!move) return names.includes(one.node ?? "") ? [] : [one];
    const name = one.name === one.title ? one.name : `${one.title}-6b5f-k9k9k`;
    return [{ ...one, name, node: move.to, state: move.to === undefined ? "pending" : "ready" }];
  });
  const left = (component: Component, needed: number): Remaining => {
    const running = pods.filter((one) => componentOf(one.component) === component && one.state === "ready").length;
    return { running, replicas: layout.placements[component].replicas, needed };
  };
  const bookies = left("bookkeeper", 3);
  return {
    kind: "lost",
    nodes: names,
    zone,
    moves,
    survival: {
      zookeeper: left("zookeeper", 2),
      bookies,
      quorum: { ensemble: 3, write: 3, ack: 2 },
      brokers: left("broker", 1),
      proxies: left("proxy", 1),
      stops:
        bookies.running < bookies.needed
          ? ["each ledger is spread over 3 bookies, and 2 of 4 run: no ledger can be opened and no topic written"]
          : [],
      degraded:
        bookies.running === 3
          ? [
              "3 of 4 bookies run: another loss stops the service",
              "ledgers that have a copy on a missing bookie are under-replicated until autorecovery has copied them",
            ]
          : [],
    },
    advice: names.flatMap((name) => [
      `If ${name} comes back, its pods start there automatically.`,
      `If it does not: kubectl taint node ${name} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`,
    ]),
    after: {
      ...before,
      pods,
      nodes: before.nodes.map((one) => {
        const taint = { key: "node.kubernetes.io/unreachable", effect: "NoExecute" };
        return names.includes(one.name) ? { ...one, taints: [...one.taints, taint] } : one;
      }),
    },
  };
}
