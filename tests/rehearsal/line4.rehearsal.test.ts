/** The committed stacks on chart line 4, with only the version and the required password of the manager changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearseOn } from "../../rehearsal/rehearse.ts";
import { managerSchema } from "../../model/managerSchemas/index.ts";
import { assertNoSecretShown } from "./secrets.ts";
import { assertOk, listener, rehearse, releases, withRehearsal } from "./support.ts";

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

test("the production stack on chart 4.7.0, from installation to destroy", limit, async () => {
  const { record, verdict } = await rehearse({ stack: "prod", config });
  assert.deepEqual(verdict, { ok: true, problems: [] });
  assert.equal(record.operations.length, 5);
});
