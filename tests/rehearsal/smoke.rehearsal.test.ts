/** When the smoke test runs, and the effect of its failure on `up`. tests/components/smokeTest.broker.test.ts tests its messages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { V1Pod } from "@kubernetes/client-node";
import { placementProblems } from "../../rehearsal/report/placement.ts";
import { waitUntilStable } from "../../rehearsal/rehearse.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { asMergePatch, refuseSuccess } from "./failing.ts";
import { assertOk, changed, errorsOf, withRehearsal } from "./support.ts";

const limit = 60_000;
const component = "smoke-test";

test("the smoke test", async (t) => {
  await withRehearsal({ config: { plain: { "pulsar:chart.timeoutMinutes": "3" } } }, async (stage) => {
    const { api, stack, settings } = stage;
    const { namespace } = settings;
    const jobs = async () => {
      const { items } = await api.batch.listNamespacedJob({ namespace, labelSelector: `component=${component}` });
      return items.map(({ metadata, status }) => {
        return { name: metadata?.name, uid: metadata?.uid, complete: status?.succeeded === 1 };
      });
    };
    /** The only smoke test. */
    const job = async () => {
      const [one, ...others] = await jobs();
      assert.ok(one !== undefined && others.length === 0);
      return one;
    };
    let failed: string | undefined;

    await t.test("runs in the first up, on a planned node, and up waits for it", async () => {
      assertOk(await stack.up());
      assert.ok((await job()).complete);
      const seen = await waitUntilStable(stage);
      assert.ok(seen.pods.some((pod) => pod.component === component && pod.node !== undefined));
      assert.deepEqual(placementProblems(seen.pods, stage.layout, true), []);
    });

    await t.test("does not run again in a second up, or after a change outside the release", async () => {
      const before = await job();
      assertOk(await stack.up({ expectNoChanges: true }));
      await stack.configure({ plain: { "pulsar:clients[0].role": "orders" } });
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), ["create auth-token-orders"]);
      assert.deepEqual(await job(), before);
    });

    await t.test("fails the up that changes the release, with its last line", async () => {
      const before = await job();
      await stack.configure({ plain: { "pulsar:replicas.toolset": "2" } });
      const policy = await refuseSuccess(api, [component]);
      const over = new AbortController();
      const failing = failPods(stage, over.signal);
      const up = await stack.up();
      over.abort();
      await failing;
      assert.ok(!up.ok);
      const errors = errorsOf(up).join("\n");
      assert.match(errors, /smoke-test/);
      assert.ok(errors.includes(lastWords), errors);
      // The previous Job is removed after the next one has succeeded.
      const [other, ...more] = (await jobs()).filter(({ uid }) => uid !== before.uid);
      assert.ok(other !== undefined && more.length === 0);
      assert.notEqual(other.name, before.name);
      assert.ok(!other.complete);
      failed = other.uid;
      await policy.remove();
    });

    await t.test("runs again in the next up, even if nothing else changes", async () => {
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), ["create smoke-test-job", "delete smoke-test-job"]);
      const { uid, complete } = await job();
      assert.ok(complete);
      assert.ok(failed !== undefined && uid !== failed);
      assertOk(await stack.up({ expectNoChanges: true }));
    });
  });
});

const lastWords = "smoke test failed: other messages were consumed than were produced";

/** Acts as the kubelet of the test's pods: each of them fails. */
async function failPods({ api, settings: { namespace } }: Stage, over: AbortSignal): Promise<void> {
  const running = async (): Promise<V1Pod[]> => {
    const { items } = await api.core.listNamespacedPod({ namespace, labelSelector: `component=${component}` });
    return items.filter(({ status }) => status?.phase === "Running");
  };
  while (!over.aborted) {
    const pods = await waitFor(
      async () => {
        const found = await running();
        return over.aborted || found.length > 0 ? found : undefined;
      },
      { what: "a run of the smoke test", limit: 5 * limit },
    );
    for (const { metadata, status } of pods) {
      const [container] = status?.containerStatuses ?? [];
      assert.ok(metadata?.name !== undefined && container !== undefined);
      const terminated = { exitCode: 1, reason: "Error", message: `Reason: none\n${lastWords}` };
      const { name, image, imageID } = container;
      const failed = { name, image, imageID, restartCount: 0, ready: false, state: { terminated } };
      const body = { status: { phase: "Failed", containerStatuses: [failed] } };
      await api.core.patchNamespacedPodStatus({ name: metadata.name, namespace, body }, asMergePatch);
    }
  }
}
