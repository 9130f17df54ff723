/** A plan of thirty nodes in the dedicated layout, the smallest size that `npm run scale` measures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { componentOf } from "../../../rehearsal/report/placement.ts";
import { planOf, stack } from "../../../rehearsal/scale/plan.ts";
import { rehearseOn } from "../../../rehearsal/rehearse.ts";
import { withRehearsal } from "../support.ts";

test("thirty nodes: every pod runs where planned, and a second up and a refresh find no changes", async () => {
  await withRehearsal({ stack, config: planOf(30) }, async (stage) => {
    const { record, verdict } = await rehearseOn(stage, { keep: true });
    assert.deepEqual(verdict, { ok: true, problems: [] });
    assert.deepEqual(
      record.operations.map(({ name, outcome }) => [name, outcome]),
      ["up", "second up", "refresh"].map((name) => [name, "done"]),
    );
    const running = record.seen?.pods.filter(({ state }) => state === "ready") ?? [];
    /** The nodes of a component's pods, by ordinal. */
    const nodesOf = (component: string) =>
      running
        .filter((pod) => componentOf(pod.component) === component)
        .toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
        .map(({ node }) => node);
    const named = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i + 1}`);
    assert.deepEqual(nodesOf("zookeeper"), named("zk", 3));
    assert.deepEqual(nodesOf("bookkeeper"), named("bk", 20));
    for (const component of ["broker", "proxy"]) assert.deepEqual(nodesOf(component).sort(), named("sv", 7));
    assert.equal(record.seen?.claims.filter(({ phase }) => phase === "Bound").length, 3 + 2 * 20);
  });
});
