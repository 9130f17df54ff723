/** The production stack on chart line 4: rehearsed, examined, without some of its nodes, and destroyed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearseOn } from "../../rehearsal/rehearse.ts";
import { backends } from "../../model/ingress.ts";
import { frontEndConfig } from "../../model/managerFrontEnd.ts";
import { testLostNodes } from "./failures/lostNodes.ts";
import { policySettings, testPolicies } from "./policies.ts";
import { assertDestroyed, managerSetups, withRehearsal } from "./support.ts";

test("the production stack on chart 4.7.0, with network policies", { timeout: 480_000 }, async (t) => {
  const plain = { "pulsar:chart.version": "4.7.0", ...policySettings };
  await withRehearsal({ stack: "prod", config: { plain } }, async (stage) => {
    const { api, stack } = stage;
    const { namespace } = stage.settings;
    const { record, verdict } = await rehearseOn(stage, { keep: true });
    assert.deepEqual(verdict, { ok: true, problems: [] });

    await t.test("Ingresses come with an nginx configuration that refuses anonymous accounts", async () => {
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
      assert.deepEqual(await managerSetups(stage), []);
    });

    await t.test("Ingresses are accepted by the API server, each with its list of paths", async () => {
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

    await t.test("Ingresses refer to ports of their Services", async () => {
      for (const { service, port, tlsPort = port } of Object.values(backends)) {
        const { spec } = await api.core.readNamespacedService({ name: `pulsar-${service}`, namespace });
        assert.equal(spec?.type, "ClusterIP");
        assert.ok(
          spec.ports?.some((one) => one.port === tlsPort),
          service,
        );
      }
    });

    await testPolicies(t, stage);
    await testLostNodes(t, stage, record);

    await t.test("is destroyed, and nothing is left behind", async () => {
      await assertDestroyed(stage, record);
      assert.equal(record.operations.length, 5);
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
