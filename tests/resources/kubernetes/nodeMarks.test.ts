import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { nodeMarksProvider } from "../../../resources/kubernetes/nodeMarks.ts";
import * as provider from "../../../resources/kubernetes/nodeMarksProvider.ts";

const args: provider.NodeMarksArgs = {
  cluster: { context: "test" },
  node: "node1",
  owner: "organization/pulsar/test",
  labels: { role: "pulsar" },
  taints: [{ key: "dedicated", value: "pulsar", effect: "NoSchedule" }],
};

describe("the provider of NodeMarks, as the state holds it", () => {
  // The engine runs it in the folder of Pulumi.yaml, where `npm test` runs too.
  const root = join(import.meta.dirname, "../../..");

  test("is small, names no place of this machine, and runs", async () => {
    const { text, containsSecrets } = await pulumi.runtime.serializeFunction(() => nodeMarksProvider);
    assert.equal(containsSecrets, false);
    assert.ok(text.length < 4000, `${text.length} characters`);
    assert.ok(!text.includes(root));
    assert.equal(process.cwd(), root);

    const evaluate = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"))("require-from-string") as (
      text: string,
    ) => { handler: () => typeof nodeMarksProvider };
    const stored = evaluate(text).handler();
    assert.deepEqual(await stored.diff?.("node1", args, { ...args, node: "node2" }), {
      changes: true,
      replaces: ["node"],
    });
  });
});

describe("the difference between marks", () => {
  const changed = (change: Partial<provider.NodeMarksArgs>) => provider.diff("node1", args, { ...args, ...change });

  test("is none where nothing changed but the order", () => {
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

  test("is a replacement for another node and for another name of the stack", () => {
    assert.deepEqual(changed({ node: "node2" }), { changes: true, replaces: ["node"] });
    assert.deepEqual(changed({ owner: "organization/pulsar/renamed" }), { changes: true, replaces: ["owner"] });
  });
});
