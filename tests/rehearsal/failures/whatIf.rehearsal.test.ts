/** The report on stacks with lost, restored and drained nodes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { failureCases } from "../../../rehearsal/failures/cases.ts";
import { RehearsalError } from "../../../rehearsal/engine/fault.ts";
import { restoreNodes } from "../../../rehearsal/failures/nodeFailures.ts";
import { waitUntilReady, rehearseOn, simulateFailures } from "../../../rehearsal/rehearse.ts";
import { verdict } from "../../../rehearsal/report/report.ts";
import type { WhatIf } from "../../../rehearsal/failures/whatIf.ts";
import { withRehearsal } from "../support.ts";

test("lost and drained nodes of the test stack", { timeout: 480_000 }, async (t) => {
  await withRehearsal({}, async (stage) => {
    await t.test("refuses an unknown node before anything is deployed", async () => {
      await assert.rejects(rehearseOn(stage, { whatIf: { lose: ["node4"] } }), RehearsalError);
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
  });
});

test("lost nodes of the production stack", { timeout: 480_000 }, async (t) => {
  await withRehearsal({ stack: "prod" }, async (stage) => {
    const { record, verdict: judged, report } = await rehearseOn(stage, { whatIf: { eachNode: true } });

    await t.test("each node in turn: the service continues without any one of them", () => {
      assert.deepEqual(judged, { ok: true, problems: [] });
      const nodes = stage.layout.nodes.map(({ name }) => name);
      assert.deepEqual(
        record.whatIfs?.map((one) => one.nodes),
        nodes.map((name) => [name]),
      );
      const waitingFor = (node: string) =>
        record.whatIfs?.filter(({ nodes }) => nodes.includes(node)).map((whatIf) => waiting(whatIf));
      assert.deepEqual(waitingFor("zk-2"), [["zookeeper"]]);
      assert.deepEqual(waitingFor("bk-1"), [["bookkeeper"]]);
      assert.deepEqual(waitingFor("sv-3"), [["broker", "proxy"]]);
      assert.match(report, /It survives the loss of any single node\./);
    });

    await restoreNodes(stage, ["sv-3"]);
    await waitUntilReady(stage);
    const zones = stage.layout.nodes;
    const [b, a] = await simulateFailures(
      stage,
      ["b", "a"].flatMap((loseZone) => failureCases({ loseZone }, zones)),
    );
    assert.ok(a && b);

    await t.test("a zone with one of four bookies: the service continues", () => {
      assert.deepEqual(b.nodes, ["zk-2", "bk-2", "sv-2"]);
      assert.deepEqual(left(b), ["2/3", "3/4", "2/3", "2/3"]);
      assert.deepEqual(b.survival.stops, []);
    });

    await t.test("a zone with two of four bookies: a ledger needs three, and the remaining copies can be read", () => {
      assert.deepEqual(left(a), ["2/3", "2/4", "2/3", "2/3"]);
      assert.equal(a.survival.stops.length, 1);
      assert.match(a.survival.stops[0] ?? "", /spread over 3 bookies, and 2 of 4 run: no ledger can be opened/);
    });
  });
});

/** The components of the pods that do not run. */
function waiting({ moves }: WhatIf): string[] {
  return moves.flatMap(({ to, component }) => (to === undefined ? [component ?? ""] : [])).sort();
}

function left({ survival: { zookeeper, bookies, brokers, proxies } }: WhatIf): string[] {
  return [zookeeper, bookies, brokers, proxies].map(({ running, replicas }) => `${running}/${replicas}`);
}
