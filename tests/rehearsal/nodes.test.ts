import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulatedNodes } from "../../rehearsal/nodes.ts";

const nodes = [
  { name: "node1", hostname: "host-1" },
  { name: "other", hostname: "other" },
];

describe("simulatedNodes", () => {
  it("makes a node as its kubelet would register it, without the stack's label and taint", () => {
    const [first, ...rest] = simulatedNodes({ nodes, clusterHasOtherNodes: false });
    assert.equal(rest.length, 1);
    assert.deepEqual(first, {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: "node1",
        annotations: { "kwok.x-k8s.io/node": "fake" },
        labels: { "kubernetes.io/hostname": "host-1", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
      },
      status: {
        capacity: { cpu: "16", memory: "64Gi", pods: "110", "ephemeral-storage": "1Ti" },
        allocatable: { cpu: "16", memory: "64Gi", pods: "110", "ephemeral-storage": "1Ti" },
      },
    });
  });

  it("adds one plain node, under a name that is free, where the cluster has others", () => {
    const names = simulatedNodes({ nodes, clusterHasOtherNodes: true }).map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ["node1", "other", "other-x"]);
  });
});
