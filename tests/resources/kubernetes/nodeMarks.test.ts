import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as provider from "../../../resources/kubernetes/nodeMarksProvider.ts";

const args: provider.NodeMarksArgs = {
  cluster: { context: "test" },
  node: "node1",
  owner: "organization/pulsar/test",
  labels: { role: "pulsar" },
  taints: [{ key: "dedicated", value: "pulsar", effect: "NoSchedule" }],
};

describe("the difference between marks", () => {
  const changed = (change: Partial<provider.NodeMarksArgs>) => provider.diff("node1", args, { ...args, ...change });

  test("is none if only the order changed", () => {
    const taints = [...args.taints, { key: "a", value: "", effect: "NoExecute" as const }];
    assert.deepEqual(provider.diff("node1", { ...args, taints }, { ...args, taints: [...taints].reverse() }), {
      changes: false,
      replaces: [],
    });
  });

  test("is an update for labels, taints and another name of the cluster", () => {
    const update = { changes: true, replaces: [] };
    assert.deepEqual(changed({ labels: { role: "other" } }), update);
    assert.deepEqual(changed({ taints: [] }), update);
    assert.deepEqual(changed({ cluster: { context: "renamed" } }), update);
    assert.deepEqual(changed({ cluster: { context: "test", kubeconfig: "elsewhere" } }), update);
  });

  test("is a replacement for another node or another name of the stack", () => {
    assert.deepEqual(changed({ node: "node2" }), { changes: true, replaces: ["node"] });
    assert.deepEqual(changed({ owner: "organization/pulsar/renamed" }), { changes: true, replaces: ["owner"] });
  });
});
