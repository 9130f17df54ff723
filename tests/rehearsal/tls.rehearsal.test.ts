/**
 * The test stack with chart 4.7.0 and TLS: its first installation, an upgrade within its line, and docs/operations/rotate-ca.md. That an `up` leaves
 * nothing to do shows in the next `up`, whose changes are compared exactly.
 */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { tlsComponents, tlsSecrets } from "../../model/tls.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { managerSchema } from "../../model/managerSchemas/index.ts";
import { deploy, emptyRecord, resultOf, runOperation, waitUntilStable } from "../../rehearsal/rehearse.ts";
import { unreadyObjects } from "../../rehearsal/cluster/readiness.ts";
import { assertOk, changed, errorsOf, listener, releases, withRehearsal } from "./support.ts";
import { assertNoSecretShown, secretData, tlsSecretValues, valueAt } from "./secrets.ts";

const config = { plain: { "pulsar:chart.version": "4.7.0", "pulsar:tls.enabled": "true" } };
const secrets = tlsSecrets("pulsar");
/** The steps that follow from any other certificate. */
const restarts = ["create smoke-test-job", "delete smoke-test-job", "update tls-rollout"];
const allSecrets = tlsComponents.map((component) => `update tls-${component}-secret`);
const contracts = ["update tls-authorities", "update tls-authorities-applied"];

test("the test stack on chart 4.7.0, with TLS", { timeout: 480_000 }, async (t) => {
  const { said, tell, progress } = listener();
  await withRehearsal({ config, progress, log: tell }, async (stage) => {
    const { stack } = stage;
    const installed = emptyRecord(stage);
    await deploy(stage, installed);
    installed.operations.push(await runOperation(stage, "refresh"));
    const { record, verdict, report } = resultOf(installed, stage);
    said.push(report);
    const set = (tls: Record<string, string>) =>
      stack.configure({
        plain: Object.fromEntries(Object.entries(tls).map(([key, value]) => [`pulsar:tls.${key}`, value])),
      });
    const update = async (expected: string[]) => {
      const before = await podIds(stage);
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), [...restarts, ...expected].sort(), up.text);
      assert.deepEqual(unreadyObjects(await waitUntilStable(stage)), []);
      const after = await podIds(stage);
      const kept = [...after].filter(([, id]) => [...before.values()].includes(id)).map(([name]) => name);
      assert.deepEqual(
        kept,
        ["pulsar-pulsar-manager"].filter((name) => after.has(name)),
      );
    };
    const authorities = async () => subjects(valueAt(await secretData(stage, secrets.ca), "ca.crt").toString());

    await t.test("starts with every pod where planned, and a refresh finds no changes", async () => {
      assert.deepEqual(verdict, { ok: true, problems: [] });
      assert.deepEqual(
        record.operations.map(({ name, outcome }) => `${name} ${outcome}`),
        ["up done", "refresh done"],
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

    await t.test("shows the certificate of its CA, which its pods mount", async () => {
      assert.deepEqual(await authorities(), ["O=pulsar\nCN=pulsar CA 1"]);
      const shown = String((await stack.outputs())["caCertificate"]);
      assert.equal(shown, valueAt(await secretData(stage, secrets.ca), "ca.crt").toString());
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
        ...tlsSecretValues,
      ]);
    });

    await t.test("is upgraded within its line: a changed image replaces the init Jobs", async () => {
      const image = "apachepulsar/pulsar-all:4.0.13";
      const jobs = ["smoke-test-job", ...["node1", "node2", "node3"].map((node) => `volumes-directories-${node}`)];
      const steps = ["create", "delete"].flatMap((step) => jobs.map((job) => `${step} ${job}`));
      await stack.configure({ plain: { "pulsar:images.pulsar": image } });
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), [...steps, "update pulsar-release"], up.text);
      assert.deepEqual(await releases(stage), ["pulsar 2 deployed"]);
    });

    // keys and tokens (rotation.rehearsal.test.ts) renew certificates alone.
    await t.test("docs/operations/rotate-ca.md, with a renewal in its first step", async () => {
      await set({ authority: "2" });
      const refused = await stack.preview();
      assert.equal(refused.ok, false);
      assert.match(errorsOf(refused).join("\n"), /pulsar:tls\.authority: 2 cannot sign yet.*trusted \[1, 2\] first/s);

      const signed = tlsComponents.flatMap((component) => [`create tls-${component}-2`, `delete tls-${component}-2`]);
      const renewed = tlsComponents.flatMap((component) =>
        ["-key", "-request", ""].flatMap((part) => [
          `create tls-${component}${part}-2`,
          `delete tls-${component}${part}`,
        ]),
      );
      await set({ generation: "2", authority: "1", "trusted[0]": "1", "trusted[1]": "2" });
      const trusted = ["create tls-ca-2", "create tls-ca-2-key", "update tls-ca-secret"];
      await update([...contracts, ...allSecrets, ...renewed, ...trusted]);
      assert.deepEqual(await authorities(), ["O=pulsar\nCN=pulsar CA 1", "O=pulsar\nCN=pulsar CA 2"]);
      await set({ authority: "2" });
      await update([...contracts, ...allSecrets, ...signed]);
      await set({ "trusted[0]": "2" });
      await update([...contracts, ...allSecrets, "delete tls-ca-1", "delete tls-ca-1-key", "update tls-ca-secret"]);
      assert.deepEqual(await authorities(), ["O=pulsar\nCN=pulsar CA 2"]);
      assertOk(await stack.up({ expectNoChanges: true }));
    });
  });
});

const subjects = (pem: string) =>
  pem.split(/(?<=-----END CERTIFICATE-----\n)/).map((certificate) => new X509Certificate(certificate).subject);

/** The uids of the chart's pods, without those of Jobs. */
async function podIds({ api, settings: { namespace } }: Stage): Promise<Map<string, string>> {
  const { items } = await api.core.listNamespacedPod({ namespace, labelSelector: "release=pulsar,!job-name" });
  return new Map(items.map(({ metadata }) => [metadata?.name ?? "", metadata?.uid ?? ""]));
}
