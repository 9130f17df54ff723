import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Component } from "../../../model/layouts/layout.ts";
import { advise } from "../../../rehearsal/failures/advice.ts";
import type { PodView, WorkloadView } from "../../../rehearsal/cluster/observe.ts";
import { assessSurvival } from "../../../rehearsal/failures/survival.ts";
import type { Move, WhatIf } from "../../../rehearsal/failures/whatIf.ts";
import { layout, running } from "../seen.ts";

const installation = { namespace: "messages", release: "pulsar", clusterDomain: "k8s.example" };
const shell = "kubectl exec -n messages pulsar-toolset-0 -- bin/bookkeeper shell";

const waits = (pod: string, component: Component, from: string): Move => ({ pod, component, from, why: "no place" });

/** The advice if only these pods do not run. */
function advice(
  kind: WhatIf["kind"],
  nodes: string[],
  moves: Move[],
  alsoOut: string[] = [],
  workloads: WorkloadView[] = [],
): string[] {
  const out = [
    ...moves.filter(({ to, refused }) => to === undefined && refused !== true).map(({ pod }) => pod),
    ...alsoOut,
  ];
  const seen = running();
  const pods = seen.pods.map((pod): PodView =>
    out.includes(pod.name) ? { ...pod, node: undefined, state: "pending" } : pod,
  );
  const after = { ...seen, pods, workloads };
  const quorum = { ensemble: 2, write: 2, ack: 2, racks: 0 };
  const survival = assessSurvival({ after, failed: [], layout, quorum });
  return advise({ kind, nodes, moves, survival, after }, installation);
}

const ofNode2 = [waits("pulsar-bookie-1", "bookkeeper", "node2"), waits("pulsar-zookeeper-1", "zookeeper", "node2")];
const ofNode3 = [waits("pulsar-bookie-2", "bookkeeper", "node3"), waits("pulsar-zookeeper-2", "zookeeper", "node3")];

const manager = { name: "pulsar-pulsar-manager", component: "pulsar-manager", wanted: 1, created: 1, ready: 1 };
const moved = (pod: string): Move => ({ pod, component: "manager", from: "node2", to: "node1" });
const evicts =
  'Kubernetes marks a node as "unreachable" 40 s after its last heartbeat, and evicts its pods 5 minutes later.';
const stays = 'Pods of StatefulSets stay "Terminating", because no kubelet confirms that they stopped.';

describe("the advice for a lost node", () => {
  it("mentions that Kubernetes replaces the manager of chart 2.7.7, which is a Deployment", () => {
    const [line] = advice("lost", ["node2"], [moved(manager.name)], [], [{ ...manager, kind: "Deployment" }]);
    assert.equal(line, `${evicts} It replaces pulsar-pulsar-manager (Deployment). ${stays}`);
  });

  it("mentions that only the taint replaces the manager of chart 4.7.0, which is a StatefulSet", () => {
    const [line] = advice("lost", ["node2"], [moved(`${manager.name}-0`)], [], [{ ...manager, kind: "StatefulSet" }]);
    const held = "So it replaces pulsar-pulsar-manager-0 only after the taint node.kubernetes.io/out-of-service.";
    assert.equal(line, `${evicts} ${stays} ${held}`);
  });

  it("is to make sure that the node is off, to taint it, and later to remove the taint", () => {
    const lines = advice("lost", ["node2"], [moved(manager.name)]);
    assert.equal(lines.length, 3);
    assert.match(
      lines[1] ?? "",
      /^Make sure that node2 is off.*: kubectl taint node node2 node\.kubernetes\.io\/out-of-service=nodeshutdown:NoExecute$/,
    );
    assert.match(
      lines[2] ?? "",
      /^When node2 is back, .*: kubectl taint node node2 node\.kubernetes\.io\/out-of-service-$/,
    );
  });

  it("includes the bookie's ledgers and disks if they are on the node", () => {
    const lines = advice("lost", ["node2"], ofNode2);
    assert.ok(
      lines.some((line) => line.includes("pulsar-bookie-1 and pulsar-zookeeper-1 start there on the old volumes")),
    );
    assert.ok(
      lines.includes(`Take no other node out of service before this lists no ledger: ${shell} listunderreplicated`),
    );
    const id = "pulsar-bookie-1.pulsar-bookie.messages.svc.k8s.example:3181";
    assert.ok(lines.some((line) => line.endsWith(`: ${shell} decommissionbookie -bookieid ${id}`)));
    assert.ok(
      lines.some(
        (line) => line.startsWith("If node2 never comes back, ") && line.includes("docs/operations/replace-a-node.md"),
      ),
    );
    assert.ok(!lines.some((line) => line.startsWith("The service is down")));
  });

  it("starts with the way to end an outage", () => {
    const [line = ""] = advice("lost", ["node2", "node3"], [...ofNode2, ...ofNode3]);
    assert.match(
      line,
      /^The service is down until enough of pulsar-bookie-1, pulsar-bookie-2, pulsar-zookeeper-1 and pulsar-zookeeper-2 are back/,
    );
  });

  it("asks for another node if no waiting pod has a disk", () => {
    const brokers = [0, 1, 2].map((i) => waits(`pulsar-broker-${i}`, "broker", "node1"));
    assert.match(
      advice("lost", ["node1"], brokers)[0] ?? "",
      /^The service is down until there is a node for the pods that wait/,
    );
  });

  it("mentions that brokers and proxies only wait", () => {
    const moves = [waits("pulsar-proxy-1", "proxy", "node2"), waits("pulsar-broker-1", "broker", "node2")];
    assert.match(
      advice("lost", ["node2"], moves).at(-1) ?? "",
      /^pulsar-broker-1 and pulsar-proxy-1 only wait for a node with room/,
    );
  });

  it("uses a bookie's shell if the toolset does not run", () => {
    const lines = advice("lost", ["node2"], ofNode2, ["pulsar-toolset-0"]);
    const bookie = "kubectl exec -n messages pulsar-bookie-0 -- bin/bookkeeper shell listunderreplicated";
    assert.ok(lines.some((line) => line.endsWith(bookie)));
  });
});

describe("the advice for a drained node", () => {
  it("is to uncordon it if all pods moved", () => {
    const moved: Move = { pod: "pulsar-recovery-0", component: "autorecovery", from: "node2", to: "node1" };
    assert.deepEqual(advice("drained", ["node2"], [moved]), ["When the work is done: kubectl uncordon node2"]);
  });

  it("includes how to disable autorecovery for a short maintenance, how long this is safe, and when to drain the next node", () => {
    const lines = advice("drained", ["node2"], ofNode2);
    const at = (text: string) => lines.findIndex((line) => line.includes(text));
    const order = [
      "autorecovery -disable",
      "this is safe",
      "kubectl uncordon node2",
      "autorecovery -enable",
      "listunderreplicated",
    ];
    const found = order.map(at);
    assert.ok(!found.includes(-1), lines.join("\n"));
    assert.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    );
    assert.match(lines[at("this is safe")] ?? "", /no further ZooKeeper may be lost/);
  });

  it("uncordons only the node whose pods the disruption budgets keep", () => {
    const held = ofNode3.map((move) => ({ ...move, refused: true }));
    const lines = advice("drained", ["node2", "node3"], [...ofNode2, ...held]);
    assert.match(lines[0] ?? "", /^kubectl drain of node3 never ends: .*: kubectl uncordon node3$/);
    assert.ok(
      lines.some((line) =>
        /^When the work is done, let pulsar-bookie-1 and pulsar-zookeeper-1 start again: kubectl uncordon node2$/.test(
          line,
        ),
      ),
    );
  });
});
