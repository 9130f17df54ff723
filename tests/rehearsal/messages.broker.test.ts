/** The messages of a rehearsal on a real cluster: a real API server and its port-forward, a real proxy and a real broker. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AdminAccess } from "../../resources/pulsar/adminApi.ts";
import { connect } from "../../rehearsal/cluster/api.ts";
import { startCluster } from "../../rehearsal/cluster/controlPlane.ts";
import { simulatedNodes } from "../../rehearsal/cluster/nodes.ts";
import { openWorkspace } from "../../rehearsal/engine/workspace.ts";
import { newPrivateKey, type Program, type Pulsar, startPulsar } from "../../rehearsal/pulsar/pulsar.ts";
import { nodeClient } from "../../rehearsal/realCluster/messages/client.ts";
import { openMessaging } from "../../rehearsal/realCluster/messages/messaging.ts";
import { prepareTools } from "../../rehearsal/tools/tools.ts";

const namespace = "default";
const proxies = ["pulsar-proxy-0", "pulsar-proxy-1"];
const secret = "pulsar-token-admin";
const access = { namespace, release: "pulsar", service: "pulsar-proxy", token: { secret, key: "TOKEN" } };

/** The native library of the client cannot be downloaded from a package registry. */
const missing = await nodeClient().then(
  () => undefined,
  (fault: unknown) => (fault as Error).message,
);

test("messages through a stack's proxies", { skip: missing ?? false }, async (t) => {
  const workspace = await openWorkspace();
  try {
    const { tools } = await prepareTools({ log: () => undefined, signal: workspace.signal });
    const pulsar = await startPulsar({ workspace, keys: "asymmetric" });
    const ports = { 8080: portOf(pulsar.adminUrl), 6650: portOf(pulsar.serviceUrl) };
    const cluster = await startCluster({ tools, workspace, forward: { namespace, pods: proxies, ports } });
    await cluster.addNodes(simulatedNodes({ nodes: [{ name: "one", hostname: "one" }], otherNodes: { count: 0 } }));
    const { kubeconfig, context } = cluster;
    const { core, objects } = await connect(kubeconfig);
    const make: Make = (kind, name, rest, labels = {}) =>
      objects.create({ apiVersion: "v1", kind, metadata: { namespace, name, labels }, ...rest });
    await deploy(make, await pulsar.token({ role: "admin" }));

    const messaging = await openMessaging({ ...access, cluster: { kubeconfig, context } } satisfies AdminAccess);
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
          await core.deleteNamespacedPod({ namespace, name: "pulsar-proxy-0", gracePeriodSeconds: 0 });
          const rotated = restart(pulsar, newPrivateKey("asymmetric"), ["broker", "proxy"]);
          const stringData = { TOKEN: await pulsar.token({ role: "admin" }) };
          const patch = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name: secret }, stringData };
          await objects.patch(patch, undefined, undefined, undefined, undefined, "application/merge-patch+json");
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

type Make = (kind: string, name: string, rest: object, labels?: Record<string, string>) => Promise<unknown>;

/** What the chart deploys of the proxies, and the administrators' token. */
async function deploy(make: Make, token: string): Promise<void> {
  await make("Secret", secret, { stringData: { TOKEN: token } });
  const servicePorts = [
    { name: "http", port: 80, targetPort: "sts-http" },
    { name: "pulsar", port: 6650, targetPort: "sts-pulsar" },
  ];
  await make("Service", access.service, { spec: { ports: servicePorts } });
  const ports = [
    { name: "sts-http", containerPort: 8080 },
    { name: "sts-pulsar", containerPort: 6650 },
  ];
  for (const name of proxies) {
    const labels = { release: access.release, component: "proxy" };
    await make("Pod", name, { spec: { containers: [{ name: "proxy", image: "none", ports }] } }, labels);
  }
}
