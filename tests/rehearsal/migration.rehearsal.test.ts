/** docs/operations/migrate-to-pulsar-4.md with simulated nodes: the new cluster next to the old one, then the removal of the old one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { simulatedNodes, type SimulatedNode } from "../../rehearsal/cluster/nodes.ts";
import type { Observation } from "../../rehearsal/cluster/observe.ts";
import { placementProblems } from "../../rehearsal/report/placement.ts";
import { unreadyObjects } from "../../rehearsal/cluster/readiness.ts";
import { standInChart, type Stage } from "../../rehearsal/stage.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { stackConfig } from "../support/stackFile.ts";
import { assertOk, changed, errorsOf, releases, withRehearsal } from "./support.ts";

/** The changes of the runbook to the second stack's file, which is the committed production stack here. */
const beside = {
  "pulsar:chart.version": "4.7.0",
  "pulsar:namespace": "pulsar4",
  "pulsar:release": "pulsar4",
  "pulsar:nodeLabel.value": "pulsar4",
  "pulsar:nodeTaint.value": "pulsar4",
  "pulsar:volumes.storageClass.create": "false",
  "pulsar:managerDatabase.name": "pulsar_manager4",
  "pulsar:managerDatabase.user": "pulsar_manager4",
  "pulsar:ingress.manager.host": "pulsar4-manager.example.com",
  "pulsar:ingress.admin.host": "pulsar4-admin.example.com",
};

test("docs/operations/migrate-to-pulsar-4.md", { timeout: 480_000 }, async (t) => {
  await withRehearsal({ nodes: withProductionNodes }, async (stage) => {
    const { stack } = stage;
    assertOk(await stack.up());
    assert.deepEqual(await releases(stage), ["pulsar 1 deployed"]);

    await t.test("the other chart line is refused on the running stack, with the runbook's name", async () => {
      await stack.configure({
        plain: { "pulsar:chart.version": "4.7.0", "pulsar:chart.source": standInChart("4.7.0") },
      });
      for (const outcome of [await stack.preview(), await stack.up()]) {
        assert.equal(outcome.ok, false);
        assert.match(
          errorsOf(outcome)[0] ?? "",
          /changes from chart line 2\.7 to 4,.*docs\/operations\/migrate-to-pulsar-4\.md/s,
        );
      }
      assert.deepEqual(await releases(stage), ["pulsar 1 deployed"]);
    });

    const before = await uids(stage, "pulsar");
    const second = await stage.addStack("prod", { plain: beside });

    await t.test("the second stack starts, and neither stack changes the other", async () => {
      assertOk(await second.stack.up());
      await runs(stage, second.layout);
      assert.deepEqual(await uids(stage, "pulsar"), before);
    });

    await t.test("the old stack is destroyed, and the new one is unchanged", async () => {
      const running = await uids(stage, "pulsar4");
      assertOk(await stack.destroy());
      assert.deepEqual(await uids(stage, "pulsar"), {});
      await second.stack.configure({ plain: { "pulsar:volumes.storageClass.create": "true" } });
      const up = await second.stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), ["create volumes-storage-class"], up.text);
      await runs(stage, second.layout);
      assert.deepEqual(await uids(stage, "pulsar4"), running);
      assertOk(await second.stack.up({ expectNoChanges: true }));
    });
  });
});

function withProductionNodes(planned: SimulatedNode[]): SimulatedNode[] {
  return [...planned, ...simulatedNodes(parseSettings(stackConfig("prod"), "prod", true))];
}

/** Waits until everything in the second stack is ready, and compares its pods with its plan. */
async function runs(stage: Stage, layout: Stage["layout"]): Promise<void> {
  const seen = await waitFor(
    async (): Promise<Observation | undefined> => {
      const now = await stage.observe("pulsar4");
      return unreadyObjects(now).length === 0 ? now : undefined;
    },
    { what: "the second stack's pods", limit: 60_000, signal: stage.workspace.signal },
  );
  assert.deepEqual(placementProblems(seen.pods, layout, true), []);
}

/** The uids of the pods of a namespace, without those of Jobs. */
async function uids({ api }: Stage, namespace: string): Promise<Record<string, string | undefined>> {
  const { items } = await api.core.listNamespacedPod({ namespace, labelSelector: "component,!job-name" });
  return Object.fromEntries(items.map(({ metadata }) => [metadata?.name ?? "", metadata?.uid]));
}
