/** PodMonitors on a cluster without and with the kind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Stage } from "../../rehearsal/stage.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { assertOk, changed, errorsOf, releases, withRehearsal } from "./support.ts";

const config = { plain: { "pulsar:monitoring.podMonitors": "true", "pulsar:monitoring.labels.prometheus": "main" } };
const kinds = "/apis/monitoring.coreos.com/v1";

interface PodMonitors {
  items: {
    metadata: { name: string; labels: Record<string, string> };
    spec: { selector: { matchLabels: Record<string, string> }; podMetricsEndpoints: { port: string }[] };
  }[];
}

test("PodMonitors", { timeout: 480_000 }, async (t) => {
  await withRehearsal({ config }, async (stage) => {
    const { stack, api, settings } = stage;

    await t.test(
      "are refused by a cluster without the kind, once and in one line, before anything is installed",
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

    await plantKind(stage);

    await t.test("are created for each component with metrics once the kind exists", async () => {
      assertOk(await stack.up());
      const { items } = await api.get<PodMonitors>(
        `${kinds}/namespaces/${settings.namespace}/podmonitors`,
        "application/json",
      );
      const components = ["bookie", "broker", "proxy", "recovery", "zookeeper"];
      assert.deepEqual(
        items.map(({ metadata }) => [metadata.name, metadata.labels["prometheus"]]),
        components.map((component) => [`pulsar-${component}`, "main"]),
      );
      assertOk(await stack.up({ expectNoChanges: true }));
      assertOk(await stack.refresh({ expectNoChanges: true }));

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

    await t.test("are removed when they are disabled, and the release is unchanged", async () => {
      await stack.configure({ plain: { "pulsar:monitoring.podMonitors": "false" } });
      const outcome = await stack.up();
      assertOk(outcome);
      const names = ["zookeeper", "bookie", "recovery", "broker", "proxy"].map(
        (component) => `pod-monitors-${component}`,
      );
      assert.deepEqual(changed(outcome), ["pod-monitors", ...names].map((name) => `delete ${name}`).sort());
      const { items } = await api.get<PodMonitors>(`${kinds}/podmonitors`, "application/json");
      assert.deepEqual(items, []);
    });
  });
});

/** The CustomResourceDefinition of the Prometheus operator, reduced to the kind. */
async function plantKind({ api }: Stage): Promise<void> {
  const names = { kind: "PodMonitor", listKind: "PodMonitorList", plural: "podmonitors", singular: "podmonitor" };
  // The client's spelling.
  const spec = { type: "object", x_kubernetes_preserve_unknown_fields: true };
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "podmonitors.monitoring.coreos.com" },
    spec: {
      group: "monitoring.coreos.com",
      names,
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", properties: { spec } } },
        },
      ],
    },
  };
  await api.objects.create(definition);
  const listed = async () => {
    const { resources } = await api.get<{ resources: { kind: string }[] }>(kinds, "application/json");
    return resources.find(({ kind }) => kind === "PodMonitor");
  };
  await waitFor(listed, { what: "that the kind PodMonitor is served", limit: 30_000 });
}
