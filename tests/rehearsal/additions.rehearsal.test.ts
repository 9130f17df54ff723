/**
 * What the stack adds to the chart's release, on one deployed stack: PodMonitors, the Job for the manager's login, and the smoke test.
 * tests/components/smokeTest.broker.test.ts tests the messages of the smoke test.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { V1Pod } from "@kubernetes/client-node";
import { placementProblems } from "../../rehearsal/report/placement.ts";
import { waitUntilStable } from "../../rehearsal/rehearse.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { createKind } from "../../rehearsal/cluster/kinds.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { asMergePatch, refuseSuccess } from "./failing.ts";
import { assertOk, changed, errorsOf, managerSetups, releases, withRehearsal } from "./support.ts";

const limit = 60_000;
const component = "smoke-test";

const config = {
  plain: {
    "pulsar:chart.timeoutMinutes": "3",
    "pulsar:monitoring.podMonitors": "true",
    "pulsar:monitoring.labels.prometheus": "main",
  },
};
const kinds = "/apis/monitoring.coreos.com/v1";

interface PodMonitors {
  items: {
    metadata: { name: string; labels: Record<string, string> };
    spec: { selector: { matchLabels: Record<string, string> }; podMetricsEndpoints: { port: string }[] };
  }[];
}

test("the additions to the release", async (t) => {
  await withRehearsal({ config }, async (stage) => {
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
    let loginJobs: Awaited<ReturnType<typeof managerSetups>> = [];

    await t.test(
      "PodMonitors: refused by a cluster without the kind, once and in one line, before anything is installed",
      async () => {
        const expected =
          /does not have the kind PodMonitor \(monitoring\.coreos\.com\/v1\), which pulsar:monitoring\.podMonitors requires; install the Prometheus/;
        const outcomes = [await stack.preview(), await stack.up()];
        for (const outcome of outcomes) {
          assert.equal(outcome.ok, false);
          assert.equal(errorsOf(outcome).filter((error) => expected.test(error)).length, 1, outcome.text);
          assert.doesNotMatch(outcome.text, /\n\s+at /);
        }
        assert.deepEqual(await releases(stage), []);
      },
    );

    await createKind(api, { group: "monitoring.coreos.com", kind: "PodMonitor" });

    await t.test("the smoke test: runs in the first up, on a planned node, and up waits for it", async () => {
      assertOk(await stack.up());
      assert.ok((await job()).complete);
      loginJobs = await managerSetups(stage);
      const seen = await waitUntilStable(stage);
      assert.ok(seen.pods.some((pod) => pod.component === component && pod.node !== undefined));
      assert.deepEqual(placementProblems(seen.pods, stage.layout, true), []);
    });

    await t.test("PodMonitors: created for each component with metrics once the kind exists", async () => {
      const { items } = await api.get<PodMonitors>(
        `${kinds}/namespaces/${settings.namespace}/podmonitors`,
        "application/json",
      );
      const components = ["bookie", "broker", "proxy", "recovery", "zookeeper"];
      assert.deepEqual(
        items.map(({ metadata }) => [metadata.name, metadata.labels["prometheus"]]),
        components.map((component) => [`pulsar-${component}`, "main"]),
      );

      const pods = (await api.core.listNamespacedPod({ namespace: settings.namespace })).items;
      for (const { metadata, spec } of items) {
        const watched = pods.filter(({ metadata }) =>
          Object.entries(spec.selector.matchLabels).every(([key, value]) => metadata?.labels?.[key] === value),
        );
        assert.ok(watched.length > 0, `${metadata.name} watches nobody`);
        for (const pod of watched) {
          const ports = pod.spec?.containers.flatMap(({ ports }) => ports?.map(({ name }) => name) ?? []);
          for (const { port } of spec.podMetricsEndpoints) assert.ok(ports?.includes(port), pod.metadata?.name);
        }
      }
    });

    await t.test("the smoke test: does not run again in a second up that changes nothing in the release", async () => {
      const before = await job();
      await stack.configure({ plain: { "pulsar:clients[0].role": "orders" } });
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), ["create auth-token-orders"]);
      assert.deepEqual(await job(), before);
    });

    await t.test("the manager's login: its Job has run once, on a planned node, and not again since", async () => {
      const [first, ...more] = loginJobs;
      assert.ok(first !== undefined && more.length === 0);
      assert.match(first.name ?? "", /^pulsar-manager-setup-[0-9a-f]{8}$/);
      assert.equal(first.complete, true);
      assert.equal(first.nodes.length, 1);
      for (const node of first.nodes) assert.ok(["node1", "node2", "node3"].includes(node), node);
      assertOk(await stack.refresh({ expectNoChanges: true }));
      assert.deepEqual(await managerSetups(stage), loginJobs);
    });

    await t.test("PodMonitors: removed when they are disabled, and the release is unchanged", async () => {
      await stack.configure({ plain: { "pulsar:monitoring.podMonitors": "false" } });
      const outcome = await stack.up();
      assertOk(outcome);
      const names = ["zookeeper", "bookie", "recovery", "broker", "proxy"].map(
        (component) => `pod-monitors-${component}`,
      );
      assert.deepEqual(changed(outcome), ["pod-monitors", ...names].map((name) => `delete ${name}`).sort());
      assert.deepEqual(await releases(stage), ["pulsar 1 deployed"]);
      const { items } = await api.get<PodMonitors>(`${kinds}/podmonitors`, "application/json");
      assert.deepEqual(items, []);
    });

    await t.test("the manager's login: its Job tries another password, and nothing else changes", async () => {
      await stack.configure({ secret: { "pulsar:managerPassword": "another-password" } });
      const expected = ["create manager-setup-job", "delete manager-setup-job", "update manager-setup-requests"];
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), expected, up.text);
      const [second, ...more] = await managerSetups(stage);
      assert.deepEqual(more, []);
      assert.equal(second?.complete, true);
      assert.notEqual(second.name, loginJobs[0]?.name);
    });

    await t.test("the smoke test: fails the up that changes the release, with its last line", async () => {
      const before = await job();
      await stack.configure({ plain: { "pulsar:replicas.toolset": "2" } });
      const policy = await refuseSuccess(api, [component]);
      const over = new AbortController();
      const failing = failPods(stage, over.signal);
      const up = await stack.up();
      over.abort();
      await failing;
      assert.ok(!up.ok);
      // Nothing is left to do of the manager's login.
      assert.deepEqual(changed(up), ["create smoke-test-job", "update pulsar-release"], up.text);
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

    await t.test("the smoke test: runs again in the next up, even if nothing else changes", async () => {
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
