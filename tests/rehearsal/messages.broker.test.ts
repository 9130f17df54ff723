/** The messages of a rehearsal on a real cluster: a real API server and its port-forward, a real proxy and a real broker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openWorkspace } from "../../rehearsal/engine/workspace.ts";
import { newPrivateKey, type Program, type Pulsar, startPulsar } from "../../rehearsal/pulsar/pulsar.ts";
import { openMessaging } from "../../rehearsal/realCluster/messages/messaging.ts";
import { missingClient, startProxies } from "../support/proxies.ts";

const namespace = "default";

test("messages through a stack's proxies", { skip: missingClient ?? false }, async (t) => {
  const workspace = await openWorkspace();
  try {
    const pulsar = await startPulsar({ workspace, keys: "asymmetric" });
    const { access, api, setToken } = await startProxies(workspace, {
      namespace,
      token: await pulsar.token({ role: "admin" }),
      forward: { ports: { 8080: portOf(pulsar.adminUrl), 6650: portOf(pulsar.serviceUrl) } },
    });
    const messaging = await openMessaging(access);
    try {
      await t.test("all checks of the reference deployment succeed, twice", async () => {
        for (let run = 0; run < 2; run++) {
          assert.deepEqual(await messaging.checks(), [
            check(
              "tenant, namespace and partitioned topic",
              "persistent://test-tenant/test-ns/test-topic has 3 partitions",
            ),
            check("messages through every partition", "12 messages sent and received"),
            check("no token is refused over HTTP", "401"),
            check("no token is refused over Pulsar's protocol", "AuthenticationError"),
            check("a wrong token is refused over HTTP", "401"),
            check("a wrong token is refused over Pulsar's protocol", "AuthenticationError"),
          ]);
        }
      });

      await t.test("traffic loses nothing while brokers restart, the keys are rotated and a proxy goes", async () => {
        const traffic = await messaging.startTraffic();
        await traffic.during("broker", () => restart(pulsar, pulsar.privateKey, ["broker"]));
        await traffic.during("rotation", async () => {
          await api.core.deleteNamespacedPod({ namespace, name: "pulsar-proxy-0", gracePeriodSeconds: 0 });
          const rotated = restart(pulsar, newPrivateKey("asymmetric"), ["broker", "proxy"]);
          await setToken(await pulsar.token({ role: "admin" }));
          await rotated;
        });
        const rows = await traffic.stop();
        t.diagnostic(JSON.stringify(rows));
        assert.deepEqual(
          rows.map(({ step }) => step),
          ["between steps", "broker", "rotation"],
        );
        for (const { step, acknowledged, received, lost, longestPauseSeconds } of rows) {
          assert.equal(lost, 0, step);
          assert.ok(received >= acknowledged, step);
          if (step !== "between steps") assert.ok(longestPauseSeconds > 1, step);
        }
      });
    } finally {
      await messaging.close();
    }
  } finally {
    await workspace.close();
  }
});

const check = (name: string, detail: string) => ({ name, ok: true, detail });
const portOf = (url: string) => Number(new URL(url).port);
const restart = (pulsar: Pulsar, key: string, programs: Program[]) => pulsar.rotate(key, [programs]);
