import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSettings } from "../../../settings/settings.ts";
import type { Facts } from "../../../rehearsal/realCluster/facts.ts";
import { nodeFaults, nodeOverrides } from "../../../rehearsal/realCluster/nodes.ts";
import { clusterFaults, disposableFaults } from "../../../rehearsal/realCluster/preflight.ts";
import { smallSizes } from "../../../rehearsal/realCluster/small.ts";
import { setAt } from "../../support/paths.ts";
import { stackConfig } from "../../support/stackFile.ts";

type FoundNode = Facts["nodes"][number];

function node(
  name: string,
  over: FoundNode["spec"] = {},
  { cpu = "4", memory = "16Gi", ready = "True" } = {},
): FoundNode {
  return {
    metadata: { name, labels: { "kubernetes.io/hostname": name } },
    spec: over,
    status: { allocatable: { cpu, memory }, conditions: [{ type: "Ready", status: ready }] },
  };
}

function facts(over: Partial<Facts> = {}): Facts {
  return {
    version: "1.37",
    nodes: ["node1", "node2", "node3"].map((name) => node(name)),
    pods: [],
    volumes: [],
    namespaces: { "kube-system": {} },
    secrets: [],
    storageClasses: [],
    priorityClasses: [],
    ...over,
  };
}

function plan(changes: Record<string, unknown> = {}, stack = "test") {
  return parseSettings(stackConfig(stack, changes), stack, true);
}

const controlPlane = node("control", { taints: [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] }); // prettier-ignore

describe("disposableFaults", () => {
  it("wants to be told that the cluster may be lost, by the option or a label", () => {
    const args = { context: "kind", disposable: false, stacks: [] };
    assert.match(
      disposableFaults(facts(), args).join("\n"),
      /^--disposable: nothing says .*; add --disposable, or kubectl/,
    );
    assert.deepEqual(disposableFaults(facts(), { ...args, disposable: true }), []);
    const labeled = facts({ namespaces: { "kube-system": { "pulsar-stack/disposable": "true" } } });
    assert.deepEqual(disposableFaults(labeled, args), []);
  });

  it("refuses the cluster of a stack file whatever else is said", () => {
    const args = { context: "live", disposable: true, stacks: ["Pulumi.prod.yaml"] };
    assert.deepEqual(disposableFaults(facts(), args), [
      "--context: live is the cluster of Pulumi.prod.yaml; a rehearsal needs another, disposable one",
    ]);
  });
});

describe("the nodes of the cluster", () => {
  const ours = ["node1", "node2", "node3"];
  const workers = [controlPlane, node("w10"), node("w9"), node("node2"), node("w8", { unschedulable: true })];

  it("are those of the same names, or else the exact --nodes to give", () => {
    assert.deepEqual(nodeFaults(ours, new Map(), facts().nodes), []);
    assert.deepEqual(nodeFaults(ours, new Map(), workers), [
      "--nodes: the cluster has no node node1 and node3; use --nodes node1=w9,node2=node2,node3=w10",
    ]);
    assert.deepEqual(nodeFaults(ours, new Map([["node1", "w9"]]), workers.slice(0, 3)), [
      "--nodes: the cluster has no node node2 and node3; the stack needs 3 nodes, and the cluster has 2 that are Ready and without taints",
    ]);
    assert.deepEqual(nodeFaults(ours, new Map([["node4", "w9"]]), facts().nodes), [
      "--nodes: the stack has no node node4; it has node1, node2, node3",
    ]);
  });

  it("take the stack's places with their own host names", () => {
    const settings = plan();
    const renamed = { ...node("w1"), metadata: { name: "w1", labels: { "kubernetes.io/hostname": "host-1" } } };
    const chosen = new Map(Object.entries({ node1: "w1", node2: "node2" }));
    assert.deepEqual(nodeOverrides(settings.nodes, chosen, [renamed]), {
      "pulsar:nodes[0].name": "w1",
      "pulsar:nodes[0].hostname": "host-1",
    });
  });
});

describe("clusterFaults", () => {
  it("finds nothing in an empty cluster with the stack's nodes", () => {
    assert.deepEqual(clusterFaults(facts(), plan()), []);
  });

  it("finds every fault at once, a line each", () => {
    const claim = "pulsar-bookie-journal-pulsar-bookie-0";
    const found = clusterFaults(
      facts({
        version: "1.21",
        nodes: [
          node("node1", { unschedulable: true }),
          node("node2", {}, { ready: "False" }),
          node("node3", { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] }),
        ],
        namespaces: { "kube-system": {}, pulsar: {} },
        secrets: ["sh.helm.release.v1.pulsar.v3"],
        storageClasses: ["local-storage"],
        volumes: [
          { metadata: { name: claim }, spec: { local: { path: "/mnt" } } },
          { metadata: { name: "theirs" }, spec: { hostPath: { path: "/home/pulsar/data/bookie-data/ledgers" } } },
        ],
      }),
      plan(),
    );
    for (const expected of [
      /^pulsar:chart.version: chart 2.7.7 needs Kubernetes 1.22, found 1.21; use a newer cluster$/,
      /^pulsar:namespace: the cluster has a namespace pulsar; delete it, or/,
      /^pulsar:release: namespace pulsar has a Helm release pulsar; uninstall it, or/,
      new RegExp(`^pulsar:volumes: the cluster has the PersistentVolumes ${claim}; delete them, or`),
      /^pulsar:volumes.storageClass.name: the cluster has a StorageClass local-storage; delete it, or/,
      /^pulsar:volumes.dataDirectory: bookie-0 would have its bookie-ledgers in .* where PersistentVolume theirs/,
      /^--nodes: node1 is cordoned; run kubectl uncordon node1$/,
      /^--nodes: node2 is not Ready; start its kubelet, or choose another node$/,
      /^--nodes: node3 has the taint gpu=yes:NoSchedule; remove it, or choose another node$/,
    ]) {
      assert.equal(found.filter((line) => expected.test(line)).length >= 1, true, `${expected}\n${found.join("\n")}`);
    }
    assert.ok(
      found.every((line) => /^(--|pulsar:)\S+: .+; .+$/.test(line)),
      found.join("\n"),
    );
  });

  it("asks for what the settings say exists", () => {
    const stack = plan({
      "pulsar:createNamespace": "false",
      "pulsar:imagePullCredentials": undefined,
      "pulsar:volumes": { storageClass: { create: false } },
      "pulsar:pods": { broker: { priorityClass: "high" } },
    });
    assert.deepEqual(clusterFaults(facts(), stack), [
      "pulsar:createNamespace: the cluster has no namespace pulsar; create it",
      "pulsar:images.pullSecret: namespace pulsar has no Secret regsecret; create it",
      "pulsar:volumes.storageClass: the cluster has no StorageClass local-storage; create it",
      "pulsar:pods: the cluster has no PriorityClass high; create it",
    ]);
  });

  it("counts what other pods have reserved, and --small makes room", () => {
    const pod = {
      metadata: { name: "busy", namespace: "other" },
      spec: {
        nodeName: "node1",
        containers: [{ name: "c", resources: { requests: { cpu: "3500m", memory: "1Gi" } } }],
      },
    };
    const busy = facts({ pods: [pod] });
    const [line = "", ...others] = clusterFaults(busy, plan());
    assert.match(
      line,
      /^--nodes: node1 has 0.5 of 4 CPU free, and the stack requests 0.[78]\d* there \(zookeeper, bookkeeper/,
    );
    assert.match(line, /; add --small, stop other pods there, or choose another node$/);
    assert.deepEqual(others, []);
    const small = {};
    for (const [path, value] of Object.entries(smallSizes())) setAt(small, path, value);
    assert.deepEqual(clusterFaults(busy, plan(small)), []);
  });
});
