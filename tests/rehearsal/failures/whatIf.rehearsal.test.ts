/** The report on the test stack with lost, restored and drained nodes. lostNodes.ts tests the production stack. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RehearsalError } from "../../../rehearsal/engine/fault.ts";
import { restoreNodes } from "../../../rehearsal/failures/nodeFailures.ts";
import { waitUntilReady, rehearseOn, simulateFailures } from "../../../rehearsal/rehearse.ts";
import { verdict } from "../../../rehearsal/report/report.ts";
import { testReplacedNode, withSpareNode } from "../../resources/kubernetes/volumeContract.ts";
import { withRehearsal } from "../support.ts";
import { left, waiting } from "./lostNodes.ts";

test("lost, drained and replaced nodes of the test stack", { timeout: 480_000 }, async (t) => {
  const config = { plain: { "pulsar:chart.timeoutMinutes": "3" } };
  await withRehearsal({ config, nodes: withSpareNode }, async (stage) => {
    await t.test("refuses an unknown node before anything is deployed", async () => {
      await assert.rejects(rehearseOn(stage, { whatIf: { lose: ["node9"] } }), RehearsalError);
      assert.deepEqual((await stage.observe()).pods, []);
    });

    const { record, verdict: first, report } = await rehearseOn(stage, { whatIf: { lose: ["node1"] } });
    const seen = record.seen?.pods ?? [];
    /** The titles of the pods on a node, without those of Jobs. */
    const on = (node: string) =>
      seen.filter((pod) => pod.node === node && pod.job === undefined).map(({ title }) => title);

    await t.test("one lost node: the service continues, and pods with volumes on the node wait", async () => {
      assert.deepEqual(first, { ok: true, problems: [] });
      assert.deepEqual(
        record.operations.map(({ name, outcome }) => `${name} ${outcome}`),
        ["up done"],
      );
      const [whatIf, ...others] = record.whatIfs ?? [];
      assert.ok(whatIf);
      assert.deepEqual(others, []);
      assert.deepEqual(whatIf.moves.map(({ pod }) => pod).sort(), on("node1").sort());
      assert.deepEqual(waiting(whatIf), ["bookkeeper", "broker", "proxy", "zookeeper"]);
      for (const { component, to } of whatIf.moves.filter((move) => move.to !== undefined)) {
        assert.ok(["autorecovery", "toolset", "manager"].includes(component ?? ""), component);
        assert.ok(to === "node2" || to === "node3", to);
      }
      const why = (pod: string) => whatIf.moves.find((move) => move.pod === pod)?.why ?? "";
      assert.match(why("pulsar-zookeeper-0"), /its volume pulsar-zookeeper-data-pulsar-zookeeper-0 is on .*node1/);
      assert.match(why("pulsar-bookie-0"), /its volume pulsar-bookie-ledgers-pulsar-bookie-0 is on .*node1/);
      assert.match(whatIf.moves.find(({ component }) => component === "broker")?.why ?? "", /anti-affinity/);
      assert.deepEqual(left(whatIf), ["2/3", "2/3", "2/3", "2/3"]);
      assert.deepEqual(whatIf.survival.stops, []);
      const taint = "kubectl taint node node1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute";
      assert.ok(whatIf.advice.some((line) => line.endsWith(taint)));
      assert.ok(report.includes(taint));

      const { status, spec } = await stage.api.core.readNode({ name: "node1" });
      const ready = status?.conditions?.find(({ type }) => type === "Ready");
      assert.deepEqual([ready?.status, ready?.reason], ["Unknown", "NodeStatusUnknown"]);
      assert.ok(
        spec?.taints?.some(({ key, effect }) => key === "node.kubernetes.io/unreachable" && effect === "NoSchedule"),
      );
    });

    await t.test("a restored node: everything runs again, and the node is unchanged", async () => {
      await restoreNodes(stage, ["node1"]);
      await waitUntilReady(stage);
      const { nodes, pods } = await stage.observe();
      // A record has plain data instead of instances of the client's classes.
      assert.deepEqual(JSON.parse(JSON.stringify(nodes)), record.seen?.nodes);
      assert.equal(pods.find(({ name }) => name === "pulsar-bookie-0")?.node, "node1");
    });

    const both = [
      { kind: "drained", nodes: ["node2", "node3"] },
      { kind: "lost", nodes: ["node1", "node2"] },
    ] as const;
    const [drained, lost] = await simulateFailures(
      stage,
      both.map(({ kind, nodes }) => ({ kind, nodes: [...nodes] })),
    );
    assert.ok(drained && lost);

    await t.test("two drained nodes: the disruption budgets allow the first drain and block the second", () => {
      const moves = (node: string) => drained.moves.filter(({ from }) => from === node);
      assert.deepEqual(
        moves("node2").filter(({ refused }) => refused),
        [],
      );
      const held = moves("node3").filter(({ refused }) => refused);
      assert.deepEqual(held.map(({ component }) => component).sort(), ["bookkeeper", "broker", "proxy", "zookeeper"]);
      assert.equal(
        held.find(({ pod }) => pod === "pulsar-bookie-2")?.why,
        "it stays on node3: The disruption budget pulsar-bookie needs 2 healthy pods and has 2 currently",
      );
      assert.deepEqual(left(drained), ["2/3", "2/3", "2/3", "2/3"]);
      assert.deepEqual(drained.survival.stops, []);
      assert.ok(drained.advice.some((line) => line.endsWith("kubectl uncordon node3")));
      assert.ok(drained.advice.some((line) => line.endsWith("kubectl uncordon node2")));
    });

    await t.test("two lost nodes: the service stops, and the verdict has the reason", () => {
      assert.deepEqual(left(lost), ["1/3", "1/3", "1/3", "1/3"]);
      const movable = lost.moves.filter(({ component }) =>
        ["autorecovery", "toolset", "manager"].includes(component ?? ""),
      );
      for (const { pod, to } of movable) assert.equal(to, "node3", pod);
      const { ok, problems } = verdict({ ...record, whatIfs: [lost] });
      assert.equal(ok, false);
      assert.equal(problems.length, 3);
      assert.match(
        problems.join("\n"),
        /ZooKeeper has no majority.*\n.*no ledger can be opened.*\n.*2 of 3 bookies are missing/,
      );
    });

    await restoreNodes(stage, ["node1", "node2"]);
    await waitUntilReady(stage);
    await testReplacedNode(t, stage);
  });
});
