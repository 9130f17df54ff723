/**
 * The life cycle of one stack: interruption, upgrade, manual changes, failure and repair, each after the previous one. That an `up` leaves nothing to
 * do shows in the next one, whose changes are compared exactly.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { withClient } from "../../rehearsal/cluster/databases.ts";
import type { Outcome } from "../../rehearsal/engine/stack.ts";
import { taintText } from "../../rehearsal/report/explain.ts";
import { placementProblems } from "../../rehearsal/report/placement.ts";
import { waitUntilStable } from "../../rehearsal/rehearse.ts";
import { unreadyObjects } from "../../rehearsal/cluster/readiness.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { assertOk, changed, errorsOf, managerLogin, query, releases, withRehearsal } from "./support.ts";

/** Milliseconds. Enough for the longest wait on a busy machine. */
const limit = 120_000;

const config = {
  plain: {
    // Long enough for simulated pods, and short enough to end the test if something never becomes ready.
    "pulsar:chart.timeoutMinutes": "3",
    // So that the second installation has a server like the first.
    "pulsar:managerDatabase.deleteData": "true",
  },
};

test("a stack", async (t) => {
  await withRehearsal({ config, skipCheckpoints: false }, async (stage) => {
    const { api, stack, settings } = stage;
    const { namespace } = settings;
    const asSuperuser = { ...stage.postgres, database: "postgres" };
    const databases = () => query(stage, asSuperuser, "SELECT FROM pg_database WHERE datname = 'pulsar_manager'");
    const tokenSecret = { name: "pulsar-token-admin", namespace };
    const token = async () => (await api.core.readNamespacedSecret(tokenSecret)).data?.["TOKEN"];
    const asMergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);

    await t.test("is completed after up was killed twice", async () => {
      const early = await upKilledWhen(stage, async () => (await claims(stage)).length > 0);
      assert.equal(early.exitCode, undefined, early.text);
      assert.deepEqual(await releases(stage), []);
      assert.ok((await claims(stage)).length < 9);

      const half = await upKilledWhen(stage, async () => (await podNames(stage)).some((name) => /bookie-/.test(name)));
      assert.equal(half.exitCode, undefined, half.text);
      assert.deepEqual(await releases(stage), ["pulsar 1 pending-install"]);

      const completed = await stack.up();
      assertOk(completed);
      assert.deepEqual(await releases(stage), ["pulsar 1 deployed"]);
      await assertRunning(stage);
    });

    await t.test("is unchanged by a refresh", async () => {
      assertOk(await stack.refresh({ expectNoChanges: true, clearPendingCreates: true }));
    });

    await t.test("is upgraded to another image: the init Jobs run again, the tokens are unchanged", async () => {
      const [jobs, signed] = [await initJobs(stage), await token()];
      await stack.configure({ plain: { "pulsar:images.pulsar": "apachepulsar/pulsar-all:2.7.5" } });
      const up = await stack.up();
      assertOk(up);
      const replaced = [
        ...["manager-setup-job", "smoke-test-job"],
        ...["node1", "node2", "node3"].map((node) => `volumes-directories-${node}`),
      ];
      const steps = ["create", "delete"].flatMap((step) => replaced.map((job) => `${step} ${job}`));
      assert.deepEqual(changed(up), [...steps, "update pulsar-release"], up.text);
      assert.deepEqual(await releases(stage), ["pulsar 2 deployed"]);
      await assertRunning(stage);
      const { items } = await api.core.listNamespacedPod({ namespace });
      const images = items.flatMap(({ spec }) => spec?.containers.map((container) => container.image) ?? []);
      const names = ["pulsar-all:2.7.5", "pulsar-manager:v0.2.0"];
      assert.deepEqual(
        [...new Set(images)].sort(),
        names.map((name) => `harbor.example.com/library/apachepulsar/${name}`),
      );
      const repeated = await initJobs(stage);
      assert.equal(repeated.length, 2);
      assert.ok(!repeated.some((name) => jobs.includes(name)), `${repeated.join()} instead of ${jobs.join()}`);
      assert.equal(await token(), signed);
    });

    await t.test("is corrected by a refresh and an up after manual changes", async () => {
      const [login, signed, before] = [await managerLogin(stage), await token(), await marks(stage)];
      await query(stage, login, "INSERT INTO tenants (tenant) VALUES ('kept')");
      await query(stage, login, "DROP TABLE roles");
      const untainted = (await api.core.readNode({ name: "node1" })).spec?.taints?.filter(
        ({ key }) => key !== "dedicated",
      );
      await api.core.patchNode({ name: "node1", body: { spec: { taints: untainted } } }, asMergePatch);
      const label = { "node-role.kubernetes.io/pulsar": "another" };
      await api.core.patchNode({ name: "node2", body: { metadata: { labels: label } } }, asMergePatch);
      const body = { data: { TOKEN: Buffer.from("another").toString("base64") } };
      await api.core.patchNamespacedSecret({ ...tokenSecret, body }, asMergePatch);

      const refreshed = await stack.refresh();
      assertOk(refreshed);
      const drifted = ["auth-token-admin", "manager-database-tables", "nodes-marks-node1", "nodes-marks-node2"];
      assert.deepEqual(updated(refreshed), drifted);
      const repaired = await stack.up();
      assertOk(repaired);
      assert.deepEqual(updated(repaired), drifted);

      assert.deepEqual(await marks(stage), before);
      assert.equal(await token(), signed);
      assert.deepEqual(await query(stage, login, "SELECT * FROM roles"), []);
      assert.deepEqual(await query(stage, login, "SELECT tenant FROM tenants"), [{ tenant: "kept" }]);
    });

    await t.test("runs no SQL if nothing has changed", async () => {
      await query(stage, asSuperuser, "ALTER SYSTEM SET log_statement = 'all'");
      await query(stage, asSuperuser, "SELECT pg_reload_conf()");
      const said = async (mark: string) => {
        await query(stage, asSuperuser, `SELECT '${mark}'`);
        const log = await readFile(join(stage.workspace.dir, "postgres/log"), "utf8");
        return log.split("\n").filter((line) => /LOG: {2}(statement|execute)/.test(line));
      };
      await waitFor(async () => (await said("before")).length > 0 || undefined, { what: "the first log", limit });
      const before = await said("before");
      assertOk(await stack.up({ expectNoChanges: true }));
      const between = (await said("after")).slice(before.length);
      assert.equal(between.length, 1, between.join("\n"));
      assert.match(between[0] ?? "", /SELECT 'after'/);
    });

    await t.test("is destroyed together with its database, as configured", async () => {
      assertOk(await stack.destroy());
      assert.deepEqual(await databases(), []);
    });

    await t.test("is killed while PostgreSQL creates its database", async () => {
      await withClient(stage.postgres, async (client) => {
        // Other sessions can query the database then, but not create one: the creation waits and continues after its client has ended.
        await client.query("BEGIN; LOCK TABLE pg_database IN EXCLUSIVE MODE");
        const waiting = "query LIKE 'CREATE DATABASE%' AND wait_event_type = 'Lock'";
        const creation = () => query(stage, asSuperuser, `SELECT FROM pg_stat_activity WHERE ${waiting}`);
        const killed = await upKilledWhen(stage, async () => (await creation()).length > 0);
        assert.equal(killed.exitCode, undefined, killed.text);
        await client.query("COMMIT");
      });
      await waitFor(async () => (await databases())[0], { what: "the end of the creation", limit });
      const made = await stateNames(stage);
      assert.ok(made.includes("manager-database-role"));
      assert.ok(!made.includes("manager-database-database"));
    });

    await t.test("creates that database again, and recovers from a failed installation", async () => {
      const memory = (quantity: string) => ({
        "pulsar:values.bookkeeper.metadata.resources.requests.memory": quantity,
        "pulsar:values.pulsar_metadata.resources.requests.memory": quantity,
      });
      // The API server refuses the init Jobs. All other resources of the release remain.
      await stack.configure({ plain: memory("plenty") });
      const failed = await stack.up();
      assert.equal(failed.ok, false);
      const dropped = 'dropped the database "pulsar_manager", which an interrupted up had left behind';
      assert.ok(
        failed.diagnostics.some(({ message }) => message === dropped),
        failed.text,
      );
      assert.ok((await stateNames(stage)).includes("manager-database-tables"));
      assert.match(
        errorsOf(failed).join("\n"),
        /Job in version "v1" cannot be handled as a Job: quantities must match/,
      );
      assert.deepEqual(await releases(stage), ["pulsar 1 failed"]);
      assert.deepEqual(await initJobs(stage), []);

      await stack.configure({ plain: memory("1Gi") });
      assertOk(await stack.up());
      assert.deepEqual(await releases(stage), ["pulsar 2 deployed"]);
      await assertRunning(stage);
    });
  });
});

/** Kills an `up` as a crash would as soon as the condition holds, and removes its lock. */
async function upKilledWhen({ stack, workspace }: Stage, condition: () => Promise<boolean>): Promise<Outcome> {
  const up = stack.up();
  const waiting = { what: "the moment to kill the up", limit, every: 20, signal: workspace.signal };
  await Promise.race([waitFor(async () => (await condition()) || undefined, waiting), up]);
  stack.kill();
  const outcome = await up;
  await stack.cancel();
  return outcome;
}

/** The logical names of the resources in the state. */
async function stateNames({ stack }: Stage): Promise<string[]> {
  const { deployment } = (await stack.exportState()) as { deployment: { resources?: { urn: string }[] } };
  return (deployment.resources ?? []).map(({ urn }) => urn.split("::").at(-1) ?? "");
}

async function claims({ api, settings: { namespace } }: Stage): Promise<string[]> {
  const { items } = await api.core.listNamespacedPersistentVolumeClaim({ namespace });
  return items.map(({ metadata }) => metadata?.name ?? "");
}

async function podNames(stage: Stage): Promise<string[]> {
  return (await stage.observe()).pods.map(({ name }) => name);
}

/** Checks that everything runs where planned and both init Jobs are complete. */
async function assertRunning(stage: Stage): Promise<void> {
  const seen = await waitUntilStable(stage);
  assert.deepEqual(unreadyObjects(seen), []);
  assert.deepEqual(placementProblems(seen.pods, stage.layout, true), []);
  const jobs = seen.jobs.filter(({ component }) => component?.endsWith("-init"));
  assert.deepEqual(
    jobs.map(({ component, state }) => [component, state]),
    [
      ["bookie-init", "complete"],
      ["pulsar-init", "complete"],
    ],
  );
}

async function initJobs(stage: Stage): Promise<string[]> {
  const { jobs } = await stage.observe();
  return jobs.filter(({ component }) => component?.endsWith("-init")).map(({ name }) => name);
}

/** The labels and the sorted taints of each node. */
async function marks({ api }: Stage) {
  const { items } = await api.core.listNode();
  return items.map(({ metadata, spec }) => ({
    labels: metadata?.labels,
    taints: spec?.taints?.map(taintText).sort(),
  }));
}

/** The sorted logical names of the resources that an operation has updated. */
function updated({ text }: Outcome): string[] {
  return [
    ...new Set([...text.matchAll(/^ *[~+-]{1,2} +\S+ (\S+) (?:updated|replaced) /gm)].map(([, name = ""]) => name)),
  ].sort();
}
