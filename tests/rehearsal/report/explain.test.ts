import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { enumerate, explain, reasonsIn, tolerates } from "../../../rehearsal/report/explain.ts";
import { node, observation, pod, taint, volume } from "../seen.ts";

const preemption = "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";

describe("reasonsIn", () => {
  it("takes the scheduler's histogram apart and leaves the talk of preemption out", () => {
    assert.deepEqual(
      reasonsIn(
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 3 node(s) didn't match PersistentVolume's node affinity. " +
          preemption,
      ),
      [
        { count: 1, text: "node(s) had untolerated taint(s)" },
        { count: 3, text: "node(s) didn't match PersistentVolume's node affinity" },
      ],
    );
  });

  it("takes a reason about the pod itself as it is", () => {
    assert.deepEqual(reasonsIn('0/3 nodes are available: persistentvolumeclaim "data" not found. not found'), [
      { text: 'persistentvolumeclaim "data" not found' },
    ]);
  });

  it("finds none in nothing", () => {
    assert.deepEqual(reasonsIn(""), []);
  });
});

describe("explain", () => {
  const because = (reason: string) => `0/3 nodes are available: ${reason}. ${preemption}`;

  it("names the taint without a toleration and who carries it", () => {
    const seen = observation();
    const init = pod("pulsar-bookie-init-x", {
      tolerations: [],
      unscheduled: because("3 node(s) had untolerated taint(s)"),
    });
    assert.deepEqual(explain(init, seen), ["no toleration for the taint dedicated=pulsar:NoSchedule on all 3 nodes"]);
  });

  it("tells one taint from another, and leaves out those that keep nobody away", () => {
    const full = { key: "node.kubernetes.io/disk-pressure", effect: "NoSchedule" };
    const soft = { key: "example.com/soft", effect: "PreferNoSchedule" };
    const seen = observation({
      nodes: [node("node1"), node("node2", { taints: [taint, soft] }), node("node3", { taints: [full] })],
    });
    const init = pod("init", { tolerations: [], unscheduled: because("3 node(s) had untolerated taint(s)") });
    assert.deepEqual(explain(init, seen), [
      "no toleration for the taint dedicated=pulsar:NoSchedule on node1 and node2 and " +
        "the taint node.kubernetes.io/disk-pressure:NoSchedule on node3",
    ]);
  });

  it("says that a volume is pinned to a node which does not exist", () => {
    const seen = observation({
      claims: [{ name: "data", phase: "Bound", volume: "pv" }],
      volumes: [volume("pv", ["node9"]), volume("unrelated", ["node8"])],
    });
    const zookeeper = pod("pulsar-zookeeper-0", {
      claims: ["data"],
      unscheduled: because("3 node(s) didn't match PersistentVolume's node affinity"),
    });
    assert.deepEqual(explain(zookeeper, seen), [
      "its volume pv is pinned to kubernetes.io/hostname=node9, which no node has",
    ]);
  });

  it("says where a volume is when its node does not take the pod", () => {
    const seen = observation({
      nodes: [node("node1", { taints: [{ key: "gone", effect: "NoExecute" }] }), node("node2"), node("node3")],
      claims: [{ name: "data", phase: "Bound", volume: "pv" }],
      volumes: [volume("pv", ["node1"])],
    });
    const bookie = pod("pulsar-bookie-0", {
      claims: ["data"],
      unscheduled: because(
        "1 node(s) had untolerated taint(s), 2 node(s) didn't match PersistentVolume's node affinity",
      ),
    });
    assert.deepEqual(explain(bookie, seen), [
      "no toleration for the taint gone:NoExecute on node1",
      "its volume pv is on node1 and nowhere else",
    ]);
  });

  it("names the claims that no volume is there for", () => {
    const seen = observation({
      claims: [
        { name: "journal-3", phase: "Pending", volume: undefined },
        { name: "ledgers-3", phase: "Pending", volume: undefined },
      ],
    });
    const bookie = pod("pulsar-bookie-3", {
      claims: ["journal-3", "ledgers-3"],
      unscheduled: because("3 node(s) didn't find available persistent volumes to bind"),
    });
    assert.deepEqual(explain(bookie, seen), ["no volume for its claims journal-3 and ledgers-3"]);
  });

  it("tells anti-affinity and lack of what is not CPU or memory", () => {
    const unscheduled = because("1 Insufficient pods, 2 node(s) didn't match pod anti-affinity rules");
    assert.deepEqual(explain(pod("pulsar-proxy-3", { unscheduled }), observation()), [
      "not enough pods on 1 node",
      "anti-affinity with pods on 2 nodes",
    ]);
  });

  it("says how much CPU is missing where, counting the pods that run and none that are done", () => {
    const takes = (cpu: number) => ({ requests: { cpu, memory: 0 } });
    const eight = { allocatable: { cpu: 8, memory: 2 ** 30 } };
    const seen = observation({
      nodes: [node("node1", eight), node("node2", eight), node("node3", eight)],
      pods: [
        pod("a", { node: "node1", ...takes(5.1) }),
        pod("b", { node: "node1", state: "ending", ...takes(0.4) }),
        pod("c", { node: "node1", state: "done", ...takes(2) }),
        pod("d", { node: "node1", state: "failed", ...takes(2) }),
        pod("e", { node: "node2", state: "starting", ...takes(7) }),
        pod("f", { node: "node3", ...takes(7) }),
        pod("waiting as well", takes(8)),
      ],
    });
    const broker = pod("pulsar-broker-0", { ...takes(4), unscheduled: because("3 Insufficient cpu") });
    assert.deepEqual(explain(broker, seen), [
      "node1 is short of 1.5 CPU (requested 4, free 2.5 of 8), " +
        "node2 and node3 are each short of 3 CPU (requested 4, free 1 of 8)",
    ]);
  });

  it("leaves out the nodes that have room and those that the pod could not be on anyway", () => {
    const small = { allocatable: { cpu: 16, memory: 1.5 * 2 ** 30 } };
    const seen = observation({
      nodes: [
        node("node1", small),
        node("node2"),
        node("node3", { ...small, taints: [{ key: "dedicated", value: "other", effect: "NoSchedule" }] }),
        node("other", { ...small, labels: {} }),
      ],
      pods: [pod("a", { node: "node1", requests: { cpu: 0, memory: 1.25 * 2 ** 30 } })],
    });
    const bookie = pod("pulsar-bookie-0", {
      requests: { cpu: 1, memory: 2 ** 30 },
      unscheduled: because("3 Insufficient memory"),
    });
    assert.deepEqual(explain(bookie, seen), ["node1 is short of 768Mi memory (requested 1Gi, free 256Mi of 1.5Gi)"]);
  });

  it("passes lack of room on where the cluster has changed since and shows none", () => {
    const unscheduled = because("3 Insufficient cpu, 2 Insufficient memory");
    assert.deepEqual(explain(pod("pulsar-broker-0", { unscheduled }), observation()), [
      "3 nodes: Insufficient cpu",
      "2 nodes: Insufficient memory",
    ]);
  });

  it("counts a pod that just fits as one that fits, whatever the fractions add up to", () => {
    const takes = (cpu: number) => ({ requests: { cpu, memory: 0 } });
    const seen = observation({
      nodes: [node("node1", { allocatable: { cpu: 0.3, memory: 0 } })],
      pods: [pod("a", { node: "node1", ...takes(0.1) })],
    });
    const toolset = pod("pulsar-toolset-0", { ...takes(0.2), unscheduled: because("1 Insufficient cpu") });
    assert.deepEqual(explain(toolset, seen), ["1 node: Insufficient cpu"]);
  });

  const mark = (state: string, effect = "NoSchedule") => ({ key: `node.kubernetes.io/${state}`, effect });

  it("says that a node is lost, and that its volume is there, instead of listing taints", () => {
    const outOfService = { ...mark("out-of-service", "NoExecute"), value: "nodeshutdown" };
    const gone = [taint, mark("unschedulable"), mark("unreachable"), mark("unreachable", "NoExecute"), outOfService];
    const seen = observation({
      nodes: [node("node1"), node("node2", { taints: gone }), node("node3")],
      claims: [{ name: "data", phase: "Bound", volume: "pv" }],
      volumes: [volume("pv", ["node2"])],
    });
    const bookie = pod("pulsar-bookie-1", {
      claims: ["data"],
      tolerations: [
        { ...taint, operator: "Equal" },
        { ...mark("unreachable", "NoExecute"), operator: "Exists" },
      ],
      unscheduled: because(
        "1 node(s) had untolerated taint(s), 2 node(s) didn't match PersistentVolume's node affinity",
      ),
    });
    assert.deepEqual(explain(bookie, seen), [
      "node node2 is lost",
      "its volume pv is on the lost node node2 and nowhere else",
    ]);
  });

  it("tells lost, cordoned and merely tainted nodes apart, each once", () => {
    const seen = observation({
      nodes: [
        node("node1", { taints: [taint, mark("unschedulable")] }),
        node("node2", { taints: [taint, mark("unschedulable")] }),
        node("node3", { taints: [taint, mark("out-of-service", "NoExecute")] }),
        node("node4", { taints: [mark("disk-pressure")] }),
      ],
    });
    const unscheduled = because("2 node(s) had untolerated taint(s), 2 node(s) were unschedulable");
    assert.deepEqual(explain(pod("pulsar-proxy-0", { unscheduled }), seen), [
      "nodes node1 and node2 are cordoned",
      "node node3 is lost",
      "no toleration for the taint node.kubernetes.io/disk-pressure:NoSchedule on node4",
    ]);
  });

  it("names the label that no node has, or those nodes that have it not", () => {
    const unscheduled = because("1 node(s) didn't match Pod's node affinity/selector");
    const other = node("other", { labels: { "kubernetes.io/hostname": "other" } });
    const label = "node-role.kubernetes.io/pulsar=pulsar";
    assert.deepEqual(explain(pod("a", { unscheduled }), observation({ nodes: [other] })), [
      `its nodeSelector requires ${label}, which no node has`,
    ]);
    assert.deepEqual(explain(pod("a", { unscheduled }), observation({ nodes: [node("node1"), other] })), [
      `its nodeSelector requires ${label}, which other does not have`,
    ]);
  });

  it("passes on what it does not know", () => {
    const unscheduled = because("3 node(s) had no available volume zone");
    assert.deepEqual(explain(pod("a", { unscheduled }), observation()), [
      "3 nodes: node(s) had no available volume zone",
    ]);
  });
});

describe("tolerates", () => {
  it("compares key, value and effect", () => {
    assert.equal(tolerates({ ...taint, operator: "Equal" }, taint), true);
    assert.equal(tolerates({ ...taint, value: "other" }, taint), false);
    assert.equal(tolerates({ ...taint, key: "other" }, taint), false);
    assert.equal(tolerates({ ...taint, effect: "NoExecute" }, taint), false);
  });

  it("knows the tolerations of any value, any effect and of everything", () => {
    assert.equal(tolerates({ key: "dedicated", operator: "Exists" }, taint), true);
    assert.equal(tolerates({ operator: "Exists" }, taint), true);
    assert.equal(tolerates({ key: "dedicated", value: "pulsar" }, taint), true);
    assert.equal(tolerates({ key: "dedicated" }, taint), false);
  });
});

describe("enumerate", () => {
  it("writes a list as one says it", () => {
    assert.deepEqual(
      [[], ["a"], ["a", "b"], ["a", "b", "c"]].map((names) => enumerate(names)),
      ["", "a", "a and b", "a, b and c"],
    );
  });
});
