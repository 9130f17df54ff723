/** The report on the production stack with lost nodes. Runs on a control plane that another test has started: tests/rehearsal/line4.rehearsal.test.ts. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { failureCases } from "../../../rehearsal/failures/cases.ts";
import { restoreNodes } from "../../../rehearsal/failures/nodeFailures.ts";
import type { WhatIf } from "../../../rehearsal/failures/whatIf.ts";
import type { RehearsalRecord } from "../../../rehearsal/report/record.ts";
import { resultOf, simulateFailures, waitUntilReady } from "../../../rehearsal/rehearse.ts";
import type { Stage } from "../../../rehearsal/stage.ts";

/** Tests on a deployed production stack, and restores its nodes. @param deployed the record of its rehearsal */
export async function testLostNodes(t: TestContext, stage: Stage, deployed: RehearsalRecord): Promise<void> {
  const { nodes } = stage.layout;
  const whatIfs = await simulateFailures(stage, failureCases({ eachNode: true }, nodes));

  await t.test("lost nodes, each in turn: the service continues without any one of them", () => {
    const { verdict, report } = resultOf({ ...deployed, whatIfs }, stage);
    assert.deepEqual(verdict, { ok: true, problems: [] });
    assert.deepEqual(
      whatIfs.map((one) => one.nodes),
      nodes.map(({ name }) => [name]),
    );
    const waitingFor = (node: string) =>
      whatIfs.filter(({ nodes }) => nodes.includes(node)).map((whatIf) => waiting(whatIf));
    assert.deepEqual(waitingFor("zk-2"), [["zookeeper"]]);
    assert.deepEqual(waitingFor("bk-1"), [["bookkeeper"]]);
    assert.deepEqual(waitingFor("sv-3"), [["broker", "proxy"]]);
    assert.match(report, /It survives the loss of any single node\./);
  });

  await restoreNodes(stage, ["sv-3"]);
  await waitUntilReady(stage);
  const [b, a] = await simulateFailures(
    stage,
    ["b", "a"].flatMap((loseZone) => failureCases({ loseZone }, nodes)),
  );
  assert.ok(a && b);

  await t.test("a lost zone with one of four bookies: the service continues", () => {
    assert.deepEqual(b.nodes, ["zk-2", "bk-2", "sv-2"]);
    assert.deepEqual(left(b), ["2/3", "3/4", "2/3", "2/3"]);
    assert.deepEqual(b.survival.stops, []);
  });

  await t.test(
    "a lost zone with two of four bookies: a ledger needs three, and the remaining copies can be read",
    () => {
      assert.deepEqual(left(a), ["2/3", "2/4", "2/3", "2/3"]);
      assert.equal(a.survival.stops.length, 1);
      assert.match(a.survival.stops[0] ?? "", /spread over 3 bookies, and 2 of 4 run: no ledger can be opened/);
    },
  );

  await restoreNodes(stage, a.nodes);
  await waitUntilReady(stage);
}

/** The components of the pods that do not run. */
export function waiting({ moves }: WhatIf): string[] {
  return moves.flatMap(({ to, component }) => (to === undefined ? [component ?? ""] : [])).sort();
}

/** How many pods run, as `<running>/<replicas>`. */
export function left({ survival: { zookeeper, bookies, brokers, proxies } }: WhatIf): string[] {
  return [zookeeper, bookies, brokers, proxies].map(({ running, replicas }) => `${running}/${replicas}`);
}
