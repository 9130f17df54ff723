/** The committed test stack: rehearsed, then examined from outside, then destroyed. */
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { test } from "node:test";
import { jwtVerify } from "jose";
import { chartLine } from "../../model/charts/lines.ts";
import { placementTable } from "../../components/nodePlan.ts";
import { managerSchema } from "../../model/managerSchemas/index.ts";
import { policySettings } from "../../settings/policies.ts";
import { signToken } from "../../model/tokens.ts";
import { changesAfterDestroy, rehearseOn } from "../../rehearsal/rehearse.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { addLatency } from "./latency.ts";
import { assertNoSecretShown, secretData, valueAt } from "./secrets.ts";
import { assertOk, listener, managerLogin, query, releases, withRehearsal } from "./support.ts";

/** The pods of the reference deployment, the manager's without its random suffix. */
const listing = [
  ...["bookie", "broker", "proxy", "zookeeper"].flatMap((name) => [0, 1, 2].map((i) => `pulsar-${name}-${i}`)),
  "pulsar-pulsar-manager",
  "pulsar-recovery-0",
  "pulsar-toolset-0",
].sort();

test("the test stack", async (t) => {
  const { said, tell, progress } = listener();

  await withRehearsal({ progress, log: tell }, async (stage) => {
    const { api, settings } = stage;
    const { namespace } = settings;
    // As with a remote cluster, where a wait for a short phase never observes it.
    await addLatency(stage, 40);
    const { record, verdict, report } = await rehearseOn(stage, { keep: true });
    said.push(report);
    const pods = record.seen?.pods ?? [];
    /** The node of each pod of a component, by name. */
    const nodesOf = (component: string) =>
      Object.fromEntries(pods.filter((pod) => pod.component === component).map(({ name, node }) => [name, node]));

    await t.test("starts, and a second up and a refresh find no changes", () => {
      assert.deepEqual(verdict, { ok: true, problems: [] });
      assert.doesNotMatch(JSON.stringify(record), /somebody-elses/);
      assert.deepEqual(
        record.operations.map(({ name, outcome }) => [name, outcome]),
        ["up", "second up", "refresh"].map((name) => [name, "done"]),
      );
    });

    await t.test("previews another image and another key completely, with new names for all Jobs", async () => {
      const { repository, tag } = chartLine(settings.chart.version).images.pulsar;
      const other = (image: string, generation: number) =>
        stage.stack.configure({
          plain: { "pulsar:images.pulsar": image, "pulsar:tokens.generation": String(generation) },
        });
      await other(`${repository}:2.7.5`, 2);
      const preview = await stage.stack.preview({ diff: true });
      assertOk(preview);
      assert.doesNotMatch(preview.text, /retrying with name|immutable/);
      assert.equal(preview.text.match(/kubernetes:batch\/v1:Job: \(replace\)/g)?.length, 5, preview.text);
      assert.match(preview.text, /~ PRIVATEKEY: \[secret\]/, preview.text);
      assert.doesNotMatch(preview.text, /^ *- (PRIVATEKEY|PUBLICKEY|TOKEN|TYPE) *:/m);
      await other(`${repository}:${tag}`, 1);
    });

    await t.test("runs the pods of the reference deployment on the same nodes", () => {
      const running = pods.filter(({ state }) => state === "ready");
      assert.deepEqual(running.map(({ title }) => title).sort(), listing);
      for (const component of ["zookeeper", "bookie"]) {
        assert.deepEqual(
          nodesOf(component),
          Object.fromEntries([0, 1, 2].map((i) => [`pulsar-${component}-${i}`, `node${i + 1}`])),
        );
      }
      for (const component of ["broker", "proxy"]) {
        assert.deepEqual(Object.values(nodesOf(component)).sort(), ["node1", "node2", "node3"]);
      }
    });

    await t.test("has completed both init Jobs and bound nine claims", async () => {
      const jobs = record.seen?.jobs.filter(({ component }) => component?.endsWith("-init")) ?? [];
      assert.deepEqual(
        jobs.map(({ component, state }) => [component, state]),
        [
          ["bookie-init", "complete"],
          ["pulsar-init", "complete"],
        ],
      );
      const claims = record.seen?.claims ?? [];
      assert.equal(claims.length, 9);
      for (const { name, phase, volume } of claims) assert.deepEqual([phase, volume], ["Bound", name]);
      assert.deepEqual(await releases(stage), ["pulsar 1 deployed"]);
    });

    await t.test("can pull every image, by the pods' templates and by the default ServiceAccount", async () => {
      const account = await api.core.readNamespacedServiceAccount({ name: "default", namespace });
      assert.ok(account.imagePullSecrets?.some(({ name }) => name === "regsecret"));
      const zookeeper = await api.apps.readNamespacedStatefulSet({ name: "pulsar-zookeeper", namespace });
      const { items: jobs } = await api.batch.listNamespacedJob({ namespace });
      assert.equal(jobs.length, 7);
      for (const { metadata, spec } of [zookeeper, ...jobs]) {
        const secrets = spec?.template.spec?.imagePullSecrets?.map(({ name }) => name);
        assert.deepEqual(secrets, ["regsecret"], metadata?.name);
      }
      assert.deepEqual(
        pods.filter(({ pullSecrets }) => !pullSecrets.includes("regsecret")),
        [],
      );
    });

    await t.test("has keys in DER format, and tokens with the role as the only claim", async () => {
      const keys = await secretData(stage, "pulsar-token-asymmetric-key");
      assert.deepEqual(Object.keys(keys).sort(), ["PRIVATEKEY", "PUBLICKEY"]);
      const privateKey = createPrivateKey({ key: valueAt(keys, "PRIVATEKEY"), format: "der", type: "pkcs8" });
      const publicKey = createPublicKey({ key: valueAt(keys, "PUBLICKEY"), format: "der", type: "spki" });
      assert.equal(privateKey.asymmetricKeyDetails?.modulusLength, 2048);
      assert.ok(createPublicKey(privateKey).equals(publicKey));
      for (const role of ["admin", "broker-admin", "proxy-admin"]) {
        const secret = await secretData(stage, `pulsar-token-${role}`);
        assert.equal(valueAt(secret, "TYPE").toString(), "asymmetric");
        const token = valueAt(secret, "TOKEN").toString();
        const { payload, protectedHeader } = await jwtVerify(token, publicKey, { algorithms: ["RS256"] });
        assert.deepEqual([payload, protectedHeader], [{ sub: role }, { alg: "RS256", typ: "JWT" }]);
        // Tokens have no random or time-dependent parts, so signing again gives the same token.
        assert.equal(await signToken(pemOf(privateKey), "asymmetric", { role }), token);
      }
    });

    await t.test("shows its outputs, and the administrator's token on request only", async () => {
      const { placement, pods: sizes, policies, ...outputs } = await stage.stack.outputs();
      assert.deepEqual(placement, placementTable(stage.layout));
      assert.deepEqual(policies, policySettings(stage.settings));
      assert.deepEqual(sizes, JSON.parse(JSON.stringify(stage.settings.pods)));
      assert.deepEqual(outputs, {
        services: {
          admin: "http://pulsar-proxy.pulsar.svc:80",
          manager: "http://pulsar-pulsar-manager.pulsar.svc:9527",
          proxy: "pulsar://pulsar-proxy.pulsar.svc:6650",
        },
        ingress: {},
        tokenSecrets: {
          admin: "pulsar-token-admin",
          "broker-admin": "pulsar-token-broker-admin",
          "proxy-admin": "pulsar-token-proxy-admin",
        },
        adminToken: "[secret]",
        applications: {},
        clientTokens: "[secret]",
      });
      const { adminToken } = await stage.stack.outputs({ showSecrets: true });
      assert.equal(adminToken, valueAt(await secretData(stage, "pulsar-token-admin"), "TOKEN").toString());
    });

    await t.test("allows the manager's user to log in and use all twelve tables", async () => {
      const login = await managerLogin(stage);
      assert.equal(login.user, "pulsar_manager");
      const { tables } = managerSchema(settings.images.manager.tag);
      assert.equal(tables.length, 12);
      for (const table of tables) {
        await query(stage, login, await insertion(stage, login, table));
        assert.equal((await query(stage, login, `SELECT * FROM ${table}`)).length, 1, table);
      }
      for (const table of tables.toReversed()) await query(stage, login, `DELETE FROM ${table}`);
    });

    await t.test("shows no secret in its state, Helm, ConfigMaps, pods or output", async () => {
      await assertNoSecretShown(stage, said, [
        "Secret pulsar-manager-database PULSAR_MANAGER_ADMIN_PASSWORD",
        "Secret pulsar-manager-setup login.json",
        "Secret pulsar-manager-setup superuser.json",
        "Secret pulsar-token-admin TOKEN",
        "Secret pulsar-token-asymmetric-key PRIVATEKEY",
        "Secret pulsar-token-broker-admin TOKEN",
        "Secret pulsar-token-proxy-admin TOKEN",
        "Secret regsecret .dockerconfigjson",
      ]);
    });

    await t.test("is removed completely, without changes to objects of others", async () => {
      assertOk(await stage.stack.destroy({ onLine: tell }));
      const left = await changesAfterDestroy(stage, 30_000);
      assert.deepEqual(left, { added: [], removed: [] });
      for (const { name } of settings.nodes) {
        const { metadata, spec } = await api.core.readNode({ name });
        assert.equal(metadata?.labels?.["example.com/somebody-elses"], "yes");
        assert.deepEqual(
          spec?.taints?.map(({ key, value, effect }) => `${key}=${value ?? ""}:${effect}`),
          ["example.com/somebody-elses=yes:PreferNoSchedule"],
        );
      }
      const kept = await api.core.readNamespacedConfigMap({ name: "settings", namespace: "somebody-elses" });
      assert.deepEqual(kept.data, { kept: "yes" });
    });
  });
});

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs1", format: "pem" }).toString();
}

/** A row for a table with a value in every required column. References refer to the first row of their table. */
async function insertion(stage: Stage, login: Parameters<typeof query>[1], table: string): Promise<string> {
  const columns = await query(
    stage,
    login,
    `SELECT column_name, data_type FROM information_schema.columns
     WHERE table_name = '${table}' AND is_nullable = 'NO' AND column_default IS NULL`,
  );
  const names = columns.map(({ column_name }) => String(column_name)).join(", ");
  const values = columns.map(({ data_type }) => (/int/.test(String(data_type)) ? "1" : "'x'")).join(", ");
  return names === "" ? `INSERT INTO ${table} DEFAULT VALUES` : `INSERT INTO ${table} (${names}) VALUES (${values})`;
}
