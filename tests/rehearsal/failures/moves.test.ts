import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { movesOf } from "../../../rehearsal/failures/moves.ts";
import type { Observation, PodView } from "../../../rehearsal/cluster/observe.ts";
import { node, pod, running, volume } from "../seen.ts";

const lost = { key: "node.kubernetes.io/unreachable", value: "", effect: "NoSchedule" } as const;

/** The test stack after the loss of node1, except for its pods. */
function withoutNode1(pods: PodView[]): Observation {
  return { ...running(), nodes: [node("node1", { taints: [lost] }), node("node2"), node("node3")], pods };
}

const others = running().pods.filter((one) => one.node !== "node1");
const manager = (letters: string, over: Partial<PodView>) =>
  pod(`pulsar-pulsar-manager-${letters}`, { title: "pulsar-pulsar-manager", component: "pulsar-manager", ...over });

describe("movesOf", () => {
  it("has the new node of each pod or the reason that it has none, without pods of Jobs", () => {
    const before = running();
    const after = withoutNode1([
      ...others,
      manager("6b5f-zzzzz", { node: "node2" }),
      pod("pulsar-bookie-0", { component: "bookie", node: "node3" }),
      pod("pulsar-broker-0", {
        component: "broker",
        unscheduled: "0/3 nodes are available: 2 node(s) didn't match pod anti-affinity rules.",
      }),
      pod("pulsar-proxy-0", { component: "proxy", node: "node2", state: "starting" }),
      pod("pulsar-zookeeper-0", {
        component: "zookeeper",
        claims: ["data-0"],
        unscheduled: "0/3 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
      }),
    ]);
    assert.deepEqual(movesOf({ ...before, volumes: [volume("data-0", ["node1"])] }, after, ["node1"]), [
      { pod: "pulsar-bookie-0", component: "bookkeeper", from: "node1", to: "node3" },
      {
        pod: "pulsar-broker-0",
        component: "broker",
        from: "node1",
        why: "anti-affinity with pods on 2 nodes",
      },
      { pod: "pulsar-proxy-0", component: "proxy", from: "node1", why: "it does not become ready on node2" },
      { pod: "pulsar-pulsar-manager", component: "manager", from: "node1", to: "node2" },
      {
        pod: "pulsar-zookeeper-0",
        component: "zookeeper",
        from: "node1",
        why: "its volume data-0 is on the lost node node1 and nowhere else",
      },
    ]);
  });

  it("names the node of the volumes even if the scheduler reports another reason first", () => {
    const unscheduled = "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.";
    const claims = ["data-0", "data-1"];
    const waiting = pod("pulsar-bookie-0", { component: "bookie", claims, unscheduled });
    const after = {
      ...withoutNode1([...others, waiting]),
      claims: claims.map((name) => ({ name, phase: "Bound", volume: name })),
      volumes: claims.map((name) => volume(name, ["node1"])),
    };
    const [move] = movesOf(running(), after, ["node1"]);
    assert.equal(move?.why, "its volumes data-0 and data-1 are on node1 and nowhere else");
  });

  it("does not match a Deployment's pod that already ran on another node", () => {
    const before = { ...running(), pods: [manager("a", { node: "node1" }), manager("b", { node: "node2" })] };
    const after = withoutNode1([manager("b", { node: "node2" }), manager("c", {})]);
    assert.deepEqual(movesOf(before, after, ["node1"]), [
      { pod: "pulsar-pulsar-manager", component: "manager", from: "node1", why: "not scheduled yet" },
    ]);
  });

  it("names the pod that an ordered StatefulSet waits for", () => {
    const before = running();
    const waiting = pod("pulsar-zookeeper-0", { component: "zookeeper" });
    const after = withoutNode1([...running().pods.filter(({ component }) => component !== "zookeeper"), waiting]);
    const moves = movesOf(before, after, ["node2"]).filter((move) => move.component === "zookeeper");
    assert.deepEqual(
      moves.map(({ pod: name, why }) => [name, why]),
      [["pulsar-zookeeper-1", "it is created only once pulsar-zookeeper-0 runs"]],
    );
  });

  it("keeps a pod on its node if its eviction was refused, with the reason", () => {
    const refused = new Map([["pulsar-bookie-0", "The disruption budget pulsar-bookie needs 2 healthy pods"]]);
    const [first] = movesOf(running(), running(), ["node1"], refused);
    assert.deepEqual(first, {
      pod: "pulsar-bookie-0",
      component: "bookkeeper",
      from: "node1",
      refused: true,
      why: "it stays on node1: The disruption budget pulsar-bookie needs 2 healthy pods",
    });
  });
});
