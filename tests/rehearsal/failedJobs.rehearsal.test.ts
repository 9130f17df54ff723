/** The next `up` creates Jobs again that have failed permanently, even if nothing else has changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { supportedChartVersions } from "../../model/charts/lines.ts";
import { upWithFailing } from "./failing.ts";
import { assertOk, changed, errorsOf, releases, withRehearsal } from "./support.ts";

const directories = ["node1", "node2", "node3"].map((node) => `volumes-directories-${node}`);

for (const version of supportedChartVersions) {
  test(`a first installation with Jobs that fail permanently, chart ${version}`, { timeout: 600_000 }, async (t) => {
    const config = { plain: { "pulsar:chart.version": version, "pulsar:chart.timeoutMinutes": "3" } };
    await withRehearsal({ config }, async (stage) => {
      const { api, stack, settings } = stage;
      const { namespace } = settings;
      const initJobs = async () => {
        const labelSelector = "app.kubernetes.io/managed-by=Helm";
        const { items } = await api.batch.listNamespacedJob({ namespace, labelSelector });
        return items.map(({ metadata, status }) => ({
          name: metadata?.name ?? "",
          uid: metadata?.uid,
          end: status?.conditions?.find(({ type }) => ["Complete", "Failed"].includes(type))?.type,
        }));
      };

      const serving = async () => {
        const labelSelector = "component in (broker,proxy)";
        const { items } = await api.core.listNamespacedPod({ namespace, labelSelector });
        return items.map(({ metadata }) => metadata?.uid);
      };

      await t.test("fails if the directories on the nodes cannot be created", async () => {
        const up = await upWithFailing(stage, ["directories"]);
        assert.ok(!up.ok);
        assert.match(errorsOf(up).join("\n"), /directories-node1.*failed to initialize/s);
        assert.deepEqual(await releases(stage), []);
      });

      await t.test("creates them in the next up, and fails if the cluster cannot be initialized", async () => {
        const up = await upWithFailing(stage, ["pulsar-init", "pulsar-manager-init"]);
        assert.ok(!up.ok);
        assert.deepEqual(
          changed(up).filter((step) => directories.some((name) => step === `create ${name}`)),
          directories.map((name) => `create ${name}`),
        );
        assert.deepEqual(await releases(stage), ["pulsar 1 failed"]);
        for (const { name, end } of await initJobs()) {
          assert.equal(end, name.includes("bookie-init") ? "Complete" : "Failed", name);
        }
      });

      await t.test("succeeds in the next up with another key, which keeps the completed Jobs", async () => {
        const before = await initJobs();
        const startedBefore = await serving();
        assert.ok(startedBefore.length > 0);
        await stack.configure({ plain: { "pulsar:tokens.generation": "2" } });
        const up = await stack.up();
        assertOk(up);
        const startedSince = await serving();
        assert.deepEqual(
          startedBefore.filter((uid) => startedSince.includes(uid)),
          [],
          "pods that were started with the previous key",
        );
        assert.deepEqual(await releases(stage), ["pulsar 2 deployed"]);
        const after = await initJobs();
        assert.deepEqual(
          after.map(({ name, end }) => ({ name, end })),
          before.map(({ name }) => ({ name, end: "Complete" })),
        );
        for (const { name, uid, end } of before) {
          const isSame = after.some((job) => job.uid === uid);
          assert.equal(isSame, end === "Complete", name);
          assert.equal(up.text.includes(`removed the failed Job ${name}`), end === "Failed", name);
        }
        assertOk(await stack.up({ expectNoChanges: true }));
      });
    });
  });
}
