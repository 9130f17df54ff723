/** The manager's login and the ways in, on the real API server: what is made, waited for, and left alone afterwards. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { frontEndConfig } from "../../model/managerFrontEnd.ts";
import { backends } from "../../model/ingress.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { assertOk, changed, withRehearsal } from "./support.ts";

const limit = { timeout: 480_000 };

test("the Job that makes the manager's login, with chart 2.7.7", limit, async (t) => {
  await withRehearsal({}, async (stage) => {
    const { stack } = stage;
    assertOk(await stack.up());
    const first = await setUps(stage);

    await t.test("is placed with the chart's own Jobs, and complete when the up is", () => {
      assert.equal(first.length, 1);
      const [job] = first;
      assert.match(job?.name ?? "", /^pulsar-manager-setup-[0-9a-f]{8}$/);
      assert.equal(job?.complete, true);
      assert.deepEqual(job.nodes.length, 1);
      for (const node of job.nodes) assert.ok(["node1", "node2", "node3"].includes(node), node);
    });

    await t.test("does not run again by a second up, and a refresh finds nothing", async () => {
      assertOk(await stack.up({ expectNoChanges: true }));
      assertOk(await stack.refresh({ expectNoChanges: true }));
      assert.deepEqual(await setUps(stage), first);
    });

    await t.test("tries another password, which changes nothing else", async () => {
      await stack.configure({ secret: { "pulsar:managerPassword": "another-password" } });
      const expected = ["create manager-setup-job", "delete manager-setup-job", "update manager-setup-requests"];
      const preview = await stack.preview();
      assert.deepEqual(changed(preview), expected, preview.text);
      assertOk(await stack.up());
      const [second, ...more] = await setUps(stage);
      assert.deepEqual(more, []);
      assert.equal(second?.complete, true);
      assert.notEqual(second.name, first[0]?.name);
      assertOk(await stack.up({ expectNoChanges: true }));
    });
  });
});

test("the production stack's ways in, with chart 4.7.0", limit, async (t) => {
  await withRehearsal({ stack: "prod", config: { plain: { "pulsar:chart.version": "4.7.0" } } }, async (stage) => {
    const { api, stack } = stage;
    const { namespace } = stage.settings;
    assertOk(await stack.up());

    await t.test("have the manager's nginx configured so that it lets nobody make an account", async () => {
      const { spec } = await api.apps.readNamespacedStatefulSet({ name: "pulsar-pulsar-manager", namespace });
      const pod = spec?.template.spec;
      const volume = pod?.volumes?.find(({ name }) => name === "front-end");
      const mount = pod?.containers[0]?.volumeMounts?.find(({ name }) => name === "front-end");
      assert.deepEqual(
        [mount?.mountPath, mount?.subPath, mount?.readOnly],
        ["/etc/nginx/conf.d/default.conf", "default.conf", true],
      );
      const name = volume?.configMap?.name ?? "";
      const { data } = await api.core.readNamespacedConfigMap({ name, namespace });
      assert.deepEqual(data, { "default.conf": frontEndConfig("pulsar") });
      assert.deepEqual(await setUps(stage), []);
    });

    await t.test("are Ingresses that the API server takes, each with its list of paths", async () => {
      const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`;
      const { items } = await api.get<{ items: Ingress[] }>(path, "application/json");
      assert.deepEqual(
        items.map(({ metadata, spec }) => ({
          name: metadata.name,
          class: spec.ingressClassName,
          tls: spec.tls,
          host: spec.rules[0].host,
          paths: spec.rules[0].http.paths.map(({ path, pathType }) => ({ path, pathType })),
        })),
        (["admin", "manager"] as const).map((way) => ({
          name: `pulsar-${way}`,
          class: "nginx",
          tls: [{ hosts: [`pulsar-${way}.example.com`], secretName: `pulsar-${way}-tls` }],
          host: `pulsar-${way}.example.com`,
          paths: backends[way].paths,
        })),
      );
      const { ingress } = await stack.outputs();
      assert.deepEqual(ingress, {
        admin: "https://pulsar-admin.example.com",
        manager: "https://pulsar-manager.example.com",
      });
    });

    await t.test("lead to ports that their Services have", async () => {
      for (const { service, port } of Object.values(backends)) {
        const { spec } = await api.core.readNamespacedService({ name: `pulsar-${service}`, namespace });
        assert.equal(spec?.type, "ClusterIP");
        assert.ok(
          spec.ports?.some((one) => one.port === port),
          service,
        );
      }
    });

    await t.test("stay as they are: a second up and a refresh change nothing", async () => {
      assertOk(await stack.up({ expectNoChanges: true }));
      assertOk(await stack.refresh({ expectNoChanges: true }));
    });
  });
});

interface Ingress {
  metadata: { name: string };
  spec: {
    ingressClassName: string;
    tls: object[];
    rules: [{ host: string; http: { paths: { path: string; pathType: string }[] } }];
  };
}

/** The Jobs that make the manager's login, and where their pods are. */
async function setUps({ api, settings: { namespace } }: Stage) {
  const labelSelector = "component=manager-setup";
  const { items: jobs } = await api.batch.listNamespacedJob({ namespace, labelSelector });
  const { items: pods } = await api.core.listNamespacedPod({ namespace, labelSelector });
  return jobs.map(({ metadata, status }) => ({
    name: metadata?.name,
    uid: metadata?.uid,
    complete: status?.conditions?.some(({ type, status }) => type === "Complete" && status === "True"),
    nodes: pods
      .filter(({ metadata: pod }) => pod?.ownerReferences?.some(({ uid }) => uid === metadata?.uid))
      .flatMap(({ spec }) => spec?.nodeName ?? []),
  }));
}
