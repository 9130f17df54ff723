import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { enumerate, explain, reasonsIn, tolerates } from "../../../rehearsal/report/explain.ts";
import { node, observation, pod, taint, volume } from "../seen.ts";

const preemption = "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";

describe("reasonsIn", () => {
  it("splits the scheduler's message into reasons, without preemption", () => {
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

  it("keeps a reason about the pod itself", () => {
    assert.deepEqual(reasonsIn('0/3 nodes are available: persistentvolumeclaim "data" not found. not found'), [
      { text: 'persistentvolumeclaim "data" not found' },
    ]);
  });

  it("finds none in an empty message", () => {
    assert.deepEqual(reasonsIn(""), []);
  });
});

describe("explain", () => {
  const because = (reason: string) => `0/3 nodes are available: ${reason}. ${preemption}`;

  it("names the taint without a toleration and the nodes that have it", () => {
    const seen = observation();
    const init = pod("pulsar-bookie-init-x", {
      tolerations: [],
      unscheduled: because("3 node(s) had untolerated taint(s)"),
    });
    assert.deepEqual(explain(init, seen), ["no toleration for the taint dedicated=pulsar:NoSchedule on all 3 nodes"]);
  });

  it("distinguishes taints, and omits those that do not exclude the pod", () => {
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

  it("reports that the node of a volume does not exist", () => {
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

  it("names the node of a volume if it does not accept the pod", () => {
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

  it("names the claims without a volume", () => {
    const seen = observation({
      claims: [
        { name: "journal-3", phase: "Pending" },
        { name: "ledgers-3", phase: "Pending" },
      ],
    });
    const bookie = pod("pulsar-bookie-3", {
      claims: ["journal-3", "ledgers-3"],
      unscheduled: because("3 node(s) didn't find available persistent volumes to bind"),
    });
    assert.deepEqual(explain(bookie, seen), ["no volume for its claims journal-3 and ledgers-3"]);
  });

  it("reports anti-affinity and missing resources other than CPU and memory", () => {
    const unscheduled = because("1 Insufficient pods, 2 node(s) didn't match pod anti-affinity rules");
    assert.deepEqual(explain(pod("pulsar-proxy-3", { unscheduled }), observation()), [
      "not enough pods on 1 node",
      "anti-affinity with pods on 2 nodes",
    ]);
  });

  it("reports the missing CPU on each node, counting running pods only", () => {
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

  it("omits nodes with enough resources and those that exclude the pod anyway", () => {
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

  it("keeps the scheduler's message if the cluster has changed and has enough resources now", () => {
    const unscheduled = because("3 Insufficient cpu, 2 Insufficient memory");
    assert.deepEqual(explain(pod("pulsar-broker-0", { unscheduled }), observation()), [
      "3 nodes: Insufficient cpu",
      "2 nodes: Insufficient memory",
    ]);
  });

  it("accepts a pod that fits exactly, despite rounding errors", () => {
    const takes = (cpu: number) => ({ requests: { cpu, memory: 0 } });
    const seen = observation({
      nodes: [node("node1", { allocatable: { cpu: 0.3, memory: 0 } })],
      pods: [pod("a", { node: "node1", ...takes(0.1) })],
    });
    const toolset = pod("pulsar-toolset-0", { ...takes(0.2), unscheduled: because("1 Insufficient cpu") });
    assert.deepEqual(explain(toolset, seen), ["1 node: Insufficient cpu"]);
  });

  const mark = (state: string, effect = "NoSchedule") => ({ key: `node.kubernetes.io/${state}`, effect });

  it("reports a lost node and the volume on it instead of taints", () => {
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

  it("distinguishes lost, cordoned and tainted nodes, each once", () => {
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

  it("names the label that no node has, or the nodes without it", () => {
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

  it("keeps unknown reasons", () => {
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

  it("accepts tolerations without value, effect or key", () => {
    assert.equal(tolerates({ key: "dedicated", operator: "Exists" }, taint), true);
    assert.equal(tolerates({ operator: "Exists" }, taint), true);
    assert.equal(tolerates({ key: "dedicated", value: "pulsar" }, taint), true);
    assert.equal(tolerates({ key: "dedicated" }, taint), false);
  });
});

describe("enumerate", () => {
  it("joins names with commas and a final and", () => {
    assert.deepEqual(
      [[], ["a"], ["a", "b"], ["a", "b", "c"]].map((names) => enumerate(names)),
      ["", "a", "a and b", "a, b and c"],
    );
  });
});
