import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulatedNodes } from "../../../rehearsal/cluster/nodes.ts";

const nodes = [
  { name: "node1", hostname: "host-1" },
  { name: "other-1", hostname: "other-3" },
];

describe("simulatedNodes", () => {
  it("creates a node as its kubelet registers it, without the stack's labels and taints", () => {
    const [first, ...rest] = simulatedNodes({ nodes, otherNodes: { count: 0 } });
    assert.equal(rest.length, 1);
    assert.deepEqual(first, {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: "node1",
        labels: { "kubernetes.io/hostname": "host-1", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
      },
      status: {
        capacity: { cpu: "16", memory: "64Gi", pods: "110", "ephemeral-storage": "1Ti" },
        allocatable: { cpu: "16", memory: "64Gi", pods: "110", "ephemeral-storage": "1Ti" },
      },
    });
  });

  it("gives each node the capacity in the settings", () => {
    const made = simulatedNodes({
      nodes: [{ name: "node1", hostname: "node1", cpu: "3500m", memory: "8Gi" }],
      otherNodes: { count: 1, cpu: "2" },
    });
    assert.deepEqual(
      made.map(({ status: { capacity, allocatable } }) => [capacity["cpu"], capacity["memory"], allocatable]),
      [
        ["3500m", "8Gi", { cpu: "3500m", memory: "8Gi", pods: "110", "ephemeral-storage": "1Ti" }],
        ["2", "64Gi", { cpu: "2", memory: "64Gi", pods: "110", "ephemeral-storage": "1Ti" }],
      ],
    );
  });

  it("adds the other nodes of the cluster, with unused names and hostnames", () => {
    const made = simulatedNodes({ nodes, otherNodes: { count: 2 } });
    assert.deepEqual(
      made.map(({ metadata }) => [metadata.name, metadata.labels["kubernetes.io/hostname"]]),
      [
        ["node1", "host-1"],
        ["other-1", "other-3"],
        ["other-2", "other-2"],
        ["other-4", "other-4"],
      ],
    );
  });
});
