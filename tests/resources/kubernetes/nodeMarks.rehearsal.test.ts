/** NodeMarks against a real API server: its changes to nodes, and its messages. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import type { Taint } from "../../../model/layouts/layout.ts";
import { connect } from "../../../resources/kubernetes/connection.ts";
import { create, type NodeMarksArgs, read, remove, update } from "../../../resources/kubernetes/nodeMarksProvider.ts";
import { ownersAnnotation } from "../../../resources/kubernetes/nodeMerge.ts";
import { startCluster } from "../../../rehearsal/cluster/controlPlane.ts";
import { simulatedNodes } from "../../../rehearsal/cluster/nodes.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";
import { openWorkspace } from "../../../rehearsal/engine/workspace.ts";

const workspace = await openWorkspace();
after(() => workspace.close());

const { tools } = await prepareTools({ log: () => undefined, signal: workspace.signal });
const running = await startCluster({ tools, workspace });

const { kubeconfig, context } = running;
const cluster = { kubeconfig, context };
const { api } = await connect(cluster);
// Each test has its own node.
const names = ["kept", "corrected", "busy", "drifted", "changed", "gone", "theirs", "shared", "contradicted", "found"];
before(() =>
  running.addNodes(
    simulatedNodes({ nodes: names.map((name) => ({ name, hostname: name })), otherNodes: { count: 0 } }),
  ),
);

const ours = {
  labels: { role: "pulsar" },
  taints: [{ key: "dedicated", value: "pulsar", effect: "NoSchedule" as const }],
};
const [owner, other] = ["organization/pulsar/a", "organization/pulsar/b"];
const marksOf = (node: string): NodeMarksArgs => ({ cluster, node, owner, ...ours });

/** The labels of the stack and the tests, without those of kubelets and controllers. */
async function stateOf(name: string) {
  const node = await api.readNode({ name });
  const labels = Object.entries(node.metadata?.labels ?? {}).filter(([key]) => !key.includes("/"));
  const taints = (node.spec?.taints ?? []).map(({ key, value, effect }) => `${key}=${value ?? ""}:${effect}`);
  return { labels: Object.fromEntries(labels), taints };
}

/** Writes as another client. */
async function edit(name: string, { labels, taints }: { labels?: Record<string, string>; taints?: Taint[] }) {
  const body = { metadata: { labels }, spec: { taints } };
  await api.patchNode({ name, body }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
}

async function messageOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => assert.fail("no fault"),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

describe("marks on a node", () => {
  test("are added and removed, and those of others are kept", async () => {
    await edit("kept", {
      labels: { team: "x" },
      taints: [
        { key: "gpu", value: "yes", effect: "NoSchedule" },
        { key: "dedicated", value: "x", effect: "PreferNoSchedule" },
      ],
    });
    const foreign = await stateOf("kept");
    assert.deepEqual(foreign.taints, ["gpu=yes:NoSchedule", "dedicated=x:PreferNoSchedule"]);

    const { id, outs } = await create(marksOf("kept"));
    assert.equal(id, "kept");
    assert.deepEqual(await stateOf("kept"), {
      labels: { team: "x", role: "pulsar" },
      taints: [...foreign.taints, "dedicated=pulsar:NoSchedule"],
    });

    await remove(id, outs ?? marksOf("kept"));
    assert.deepEqual(await stateOf("kept"), foreign);
  });

  test("with a wrong value are corrected in place", async () => {
    await edit("corrected", {
      labels: { role: "wrong" },
      taints: [
        { key: "a", value: "", effect: "NoSchedule" },
        { key: "dedicated", value: "wrong", effect: "NoSchedule" },
        { key: "b", value: "", effect: "NoSchedule" },
      ],
    });
    await create(marksOf("corrected"));
    assert.deepEqual(await stateOf("corrected"), {
      labels: ours.labels,
      taints: ["a=:NoSchedule", "dedicated=pulsar:NoSchedule", "b=:NoSchedule"],
    });
  });

  test("survive concurrent writers", async () => {
    const writers = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(
      writers.map((key) =>
        create({
          cluster,
          node: "busy",
          owner: key,
          labels: { [key]: key },
          taints: [{ key, value: key, effect: "NoSchedule" }],
        }),
      ),
    );
    const { labels, taints } = await stateOf("busy");
    assert.deepEqual(labels, Object.fromEntries(writers.map((key) => [key, key])));
    assert.deepEqual(
      taints.sort(),
      writers.map((key) => `${key}=${key}:NoSchedule`),
    );
  });

  test("are read as they are, and missing ones are restored", async () => {
    const { outs = marksOf("drifted") } = await create(marksOf("drifted"));
    assert.deepEqual((await read("drifted", outs)).props, outs);

    await edit("drifted", { taints: [{ key: "dedicated", value: "other", effect: "NoSchedule" }] });
    const { id, props = outs, inputs } = await read("drifted", outs);
    assert.deepEqual({ id, props, inputs }, { id: "drifted", props: { ...outs, taints: [] }, inputs: props });

    await update("drifted", props, marksOf("drifted"));
    assert.deepEqual(await stateOf("drifted"), { labels: ours.labels, taints: ["dedicated=pulsar:NoSchedule"] });
  });

  test("that are no longer needed are removed", async () => {
    await create(marksOf("changed"));
    await update("changed", marksOf("changed"), {
      ...marksOf("changed"),
      labels: { other: "pulsar" },
      taints: [{ key: "dedicated", value: "pulsar", effect: "NoExecute" }],
    });
    assert.deepEqual(await stateOf("changed"), { labels: { other: "pulsar" }, taints: ["dedicated=pulsar:NoExecute"] });
    await remove("changed", marksOf("changed"));
  });

  test("with a value changed by others are kept on removal", async () => {
    await create(marksOf("theirs"));
    await edit("theirs", { labels: { role: "theirs" } });
    await remove("theirs", marksOf("theirs"));
    assert.deepEqual(await stateOf("theirs"), { labels: { role: "theirs" }, taints: [] });
  });
});

describe("marks of two stacks on a node", () => {
  const theirsOf = (node: string): NodeMarksArgs => ({ ...marksOf(node), owner: other });

  test("stay until the last stack is removed, and neither stack sees the marks of the other", async () => {
    const before = await stateOf("shared");
    await create(marksOf("shared"));
    const theirs = { ...theirsOf("shared"), labels: { ...ours.labels, more: "theirs" } };
    await create(theirs);
    assert.deepEqual((await read("shared", marksOf("shared"))).props, marksOf("shared"), "no drift");

    await remove("shared", marksOf("shared"));
    assert.deepEqual(await stateOf("shared"), {
      labels: { role: "pulsar", more: "theirs" },
      taints: ["dedicated=pulsar:NoSchedule"],
    });
    assert.deepEqual((await read("shared", theirs)).props, theirs, "no drift");

    await remove("shared", theirs);
    assert.deepEqual(await stateOf("shared"), before);
    const { metadata } = await api.readNode({ name: "shared" });
    assert.equal(metadata?.annotations?.[ownersAnnotation], undefined);
  });

  test("stay when one stack changes its own", async () => {
    await create(marksOf("changed"));
    await create(theirsOf("changed"));
    const changed: NodeMarksArgs = {
      ...marksOf("changed"),
      taints: [{ key: "dedicated", value: "pulsar", effect: "NoExecute" }],
    };
    await update("changed", marksOf("changed"), changed);
    const both = ["dedicated=pulsar:NoSchedule", "dedicated=pulsar:NoExecute"];
    assert.deepEqual((await stateOf("changed")).taints, both);
    await remove("changed", theirsOf("changed"));
    assert.deepEqual((await stateOf("changed")).taints, both.slice(1));
    await remove("changed", changed);
  });

  test("that existed before both stacks stay after both are removed", async () => {
    await edit("found", ours);
    const before = await stateOf("found");
    await create(marksOf("found"));
    await create(theirsOf("found"));
    await remove("found", marksOf("found"));
    await remove("found", theirsOf("found"));
    assert.deepEqual(await stateOf("found"), before);
  });

  test("are refused if they contradict each other, and nothing is written", async () => {
    await create(marksOf("contradicted"));
    const before = await stateOf("contradicted");
    const theirs = { ...theirsOf("contradicted"), labels: { role: "other" }, taints: [] };
    assert.equal(
      await messageOf(create(theirs)),
      `node "contradicted": this stack needs label role=other, but stack ${owner} needs role=pulsar; ` +
        "set another pulsar:nodeLabel, pulsar:nodeTaint or zone, or give each stack its own nodes",
    );
    assert.deepEqual(await stateOf("contradicted"), before);
  });

  test("cannot be attributed if the record was changed manually", async () => {
    const name = "contradicted";
    const body = { metadata: { annotations: { [ownersAnnotation]: "{broken" } } };
    await api.patchNode({ name, body }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
    const message = `node "${name}": its annotation ${ownersAnnotation} is not valid JSON; remove the annotation`;
    assert.equal(await messageOf(create(theirsOf(name))), message);
    assert.equal(await messageOf(remove(name, marksOf(name))), message);
  });
});

describe("a missing node", () => {
  test("is reported with the existing ones, and never created", async () => {
    const known = (await api.listNode()).items.map((node) => node.metadata?.name).join(", ");
    const missing = `node "node4": does not exist in the cluster of context "${context}"; set one of its nodes: ${known}`;
    assert.equal(await messageOf(create(marksOf("node4"))), missing);
    assert.equal(await messageOf(update("node4", marksOf("node4"), { ...marksOf("node4"), labels: {} })), missing);
    assert.deepEqual(await read("node4", marksOf("node4")), { id: "" });
    await remove("node4", marksOf("node4"));
    assert.equal((await api.listNode()).items.map((node) => node.metadata?.name).join(", "), known);
  });

  test("does not block a removal, and is not created by it", async () => {
    await create(marksOf("gone"));
    await api.deleteNode({ name: "gone" });
    await remove("gone", marksOf("gone"));
    assert.ok(!(await api.listNode()).items.some((node) => node.metadata?.name === "gone"));
  });
});

describe("an unreachable cluster", () => {
  test("is reported with its context", async () => {
    const elsewhere = { ...marksOf("kept"), cluster: { kubeconfig, context: "elsewhere" } };
    const message = `node "kept": kubeconfig ${kubeconfig}: has no context "elsewhere"; use ${context}`;
    assert.equal(await messageOf(create(elsewhere)), message);
    assert.equal(await messageOf(read("kept", elsewhere)), message);
    assert.equal(await messageOf(remove("kept", elsewhere)), message);
  });
});
