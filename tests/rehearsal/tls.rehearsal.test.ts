/** TLS on a rehearsed stack, with docs/operations/rotate-ca.md: certificates, restarts, refusals, and that no key is shown. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { tlsComponents, tlsSecrets } from "../../model/tls.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { waitUntilStable } from "../../rehearsal/rehearse.ts";
import { unreadyObjects } from "../../rehearsal/cluster/readiness.ts";
import { assertOk, changed, errorsOf, withRehearsal } from "./support.ts";
import { secretData, valueAt } from "./secrets.ts";

const config = { plain: { "pulsar:chart.version": "4.7.0", "pulsar:tls.enabled": "true" } };
const secrets = tlsSecrets("pulsar");
const keys = ["tls.crt", "tls.key", "tls-combined.pem"];
/** The steps that follow from any other certificate. */
const restarts = ["create smoke-test-job", "delete smoke-test-job", "update tls-rollout"];
const allSecrets = tlsComponents.map((component) => `update tls-${component}-secret`);
const contracts = ["update tls-authorities", "update tls-authorities-applied"];

test("TLS", async (t) => {
  await withRehearsal({ stack: "test", config }, async (stage) => {
    const { stack } = stage;
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
    assertOk(await stack.up());

    await t.test("certificates are in the Secrets that the charts mount, and their keys nowhere else", async () => {
      assert.deepEqual(await authorities(), ["O=pulsar\nCN=pulsar CA 1"]);
      assert.match(String((await stack.outputs())["caCertificate"]), /^-----BEGIN CERTIFICATE-----\n/);
      const state = JSON.stringify(await stack.exportState());
      assert.match(state, /BEGIN CERTIFICATE-/);
      assert.doesNotMatch(state, /PRIVATE KEY-/);
      for (const name of Object.values(secrets.components)) {
        const data = await secretData(stage, name);
        for (const key of keys.slice(1)) {
          const text = valueAt(data, key);
          assert.ok(!state.includes(text.toString("base64")), name);
        }
      }
      assertOk(await stack.up({ expectNoChanges: true }));
      assertOk(await stack.refresh({ expectNoChanges: true }));
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
