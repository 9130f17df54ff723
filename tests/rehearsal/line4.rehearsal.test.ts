/** The committed stacks on chart line 4. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearseOn } from "../../rehearsal/rehearse.ts";
import { backends } from "../../model/ingress.ts";
import { frontEndConfig } from "../../model/managerFrontEnd.ts";
import { managerSchema } from "../../model/managerSchemas/index.ts";
import { policySettings, testPolicies } from "./policies.ts";
import { assertNoSecretShown } from "./secrets.ts";
import { assertDestroyed, assertOk, listener, managerSetups, releases, withRehearsal } from "./support.ts";

const config = { plain: { "pulsar:chart.version": "4.7.0" } };
const limit = { timeout: 480_000 };

test("the test stack on chart 4.7.0", limit, async (t) => {
  const { said, tell, progress } = listener();
  await withRehearsal({ config, progress, log: tell }, async (stage) => {
    const { record, verdict, report } = await rehearseOn(stage, { keep: true });
    said.push(report);

    await t.test("starts with every pod where planned, and a second up and a refresh find no changes", async () => {
      assert.deepEqual(verdict, { ok: true, problems: [] });
      assert.deepEqual(
        record.operations.map(({ name, outcome }) => `${name} ${outcome}`),
        ["up done", "second up done", "refresh done"],
      );
      const running = (record.seen?.pods ?? []).filter(({ state }) => state === "ready");
      assert.equal(running.length, 15);
      assert.ok(running.some(({ name }) => name === "pulsar-pulsar-manager-0"));
      assert.equal(record.seen?.claims.length, 9);
      const jobs = record.seen.jobs.filter(({ component }) => component?.endsWith("-init"));
      assert.deepEqual(jobs.map(({ component, state }) => `${component ?? ""} ${state}`).sort(), [
        "bookie-init complete",
        "pulsar-init complete",
        "pulsar-manager-init complete",
      ]);
      assert.deepEqual(await releases(stage), ["pulsar 1 deployed"]);
      assert.equal(managerSchema(stage.settings.images.manager.tag).version, "v0.4.0");
    });

    await t.test("shows no secret anywhere", async () => {
      await assertNoSecretShown(stage, said, [
        "Secret pulsar-manager-database DB_PASSWORD",
        "Secret pulsar-manager-database UI_PASSWORD",
        "Secret pulsar-token-admin TOKEN",
        "Secret pulsar-token-asymmetric-key PRIVATEKEY",
        "Secret pulsar-token-broker-admin TOKEN",
        "Secret pulsar-token-manager-admin TOKEN",
        "Secret pulsar-token-proxy-admin TOKEN",
        "Secret regsecret .dockerconfigjson",
      ]);
    });

    await t.test("is upgraded within its line: a changed image replaces the init Jobs", async () => {
      const image = "apachepulsar/pulsar-all:4.0.13";
      await stage.stack.configure({ plain: { "pulsar:images.pulsar": image } });
      assertOk(await stage.stack.up());
      assert.deepEqual(await releases(stage), ["pulsar 2 deployed"]);
      assertOk(await stage.stack.up({ expectNoChanges: true }));
    });
  });
});

test("the production stack on chart 4.7.0, with network policies", limit, async (t) => {
  const plain = { ...config.plain, ...policySettings };
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
      for (const { service, port } of Object.values(backends)) {
        const { spec } = await api.core.readNamespacedService({ name: `pulsar-${service}`, namespace });
        assert.equal(spec?.type, "ClusterIP");
        assert.ok(
          spec.ports?.some((one) => one.port === port),
          service,
        );
      }
    });

    await testPolicies(t, stage);

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
