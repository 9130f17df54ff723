/** Port-forwards to the admin API through a real API server, with KWOK as the kubelet. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { withAdminApi } from "../../../resources/pulsar/adminApi.ts";
import { connect } from "../../../resources/kubernetes/connection.ts";
import { startCluster } from "../../../rehearsal/cluster/controlPlane.ts";
import { simulatedNodes } from "../../../rehearsal/cluster/nodes.ts";
import { connect as connectToAll } from "../../../rehearsal/cluster/api.ts";
import { freePorts } from "../../../rehearsal/cluster/ports.ts";
import { startAdminApi, type StandInAdminApi } from "../../../rehearsal/standins/adminApi.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { openWorkspace } from "../../../rehearsal/engine/workspace.ts";

const workspace = await openWorkspace();
after(() => workspace.close());
const { tools } = await prepareTools({ log: () => undefined, signal: workspace.signal });
const [port = 0] = await freePorts(1);
const namespace = "default";
const running = await startCluster({
  tools,
  workspace,
  forward: { namespace, pods: ["pulsar-proxy-0"], ports: { 8080: port } },
});
const cluster = { kubeconfig: running.kubeconfig, context: running.context };
const { api } = await connect(cluster);

const access = {
  cluster,
  namespace,
  release: "pulsar",
  service: "pulsar-proxy",
  token: { secret: "pulsar-token-admin", key: "TOKEN" },
};
const tenants = (changes: Partial<typeof access> = {}, limit?: number) =>
  withAdminApi({ ...access, ...changes }, (admin) => admin.get<string[]>("/tenants"), limit);

async function messageOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => assert.fail("no fault"),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

let standIn: StandInAdminApi;
before(async () => {
  standIn = await startAdminApi({
    port,
    cluster: "pulsar",
    superUsers: ["admin"],
    verify: (token) => Promise.resolve(token === "the-token" ? "admin" : "nobody"),
  });
  await running.addNodes(simulatedNodes({ nodes: [{ name: "one", hostname: "one" }], otherNodes: { count: 0 } }));
  await make("Secret", "pulsar-token-admin", { stringData: { TOKEN: "the-token", WRONG: "another" } });
});
after(() => {
  standIn.close();
});

const { objects } = await connectToAll(running.kubeconfig);
const make = (kind: string, name: string, rest: object, labels: Record<string, string> = {}) =>
  objects.create({ apiVersion: "v1", kind, metadata: { name, namespace, labels }, ...rest });

test("a missing Service or ready pod is reported in one line", async () => {
  assert.match(
    await messageOf(tenants()),
    /^the proxy's Service default\/pulsar-proxy does not exist in context "rehearsal"; install the release, or set pulsar:adminApi\.address$/,
  );
  await make("Service", "pulsar-proxy", { spec: { ports: [{ name: "http", port: 80, targetPort: "sts-http" }] } });
  assert.match(
    await messageOf(tenants({}, 0)),
    /^no proxy is ready to forward to \(pods with release=pulsar,component=proxy in namespace default: none\); wait until one is, or set pulsar:adminApi\.address$/,
  );
});

test("connects to the target port of the Service, with the token in the Secret", async () => {
  const ports = [{ name: "sts-http", containerPort: 8080 }];
  const labels = { release: "pulsar", component: "proxy" };
  await make("Pod", "pulsar-proxy-0", { spec: { containers: [{ name: "proxy", image: "none", ports }] } }, labels);
  await waitFor(
    async () => {
      const { status } = await api.readNamespacedPod({ name: "pulsar-proxy-0", namespace });
      return status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ? true : undefined;
    },
    { what: "the pod's getting ready", limit: 30_000 },
  );
  assert.deepEqual(await tenants(), ["public", "pulsar"]);
  const many = await Promise.all(Array.from({ length: 20 }, () => tenants()));
  assert.ok(many.every((found) => found?.length === 2));
});

test("a large body is transferred completely in both directions", async () => {
  const adminRoles = Array.from({ length: 3000 }, (_, i) => `role-${i}`);
  const info = { adminRoles, allowedClusters: ["pulsar"] };
  await withAdminApi(access, async (admin) => {
    await admin.put("/tenants/large", info);
    assert.deepEqual(await admin.get("/tenants/large"), info);
  });
});

test("a refused or missing token is reported with its Secret", async () => {
  const wrong = { token: { secret: "pulsar-token-admin", key: "WRONG" } };
  assert.match(
    await messageOf(tenants(wrong)),
    /^the admin API at pod default\/pulsar-proxy-0, port 8080 refuses the token of Secret default\/pulsar-token-admin \(401: /,
  );
  assert.equal(
    await messageOf(tenants({ token: { secret: "gone", key: "TOKEN" } })),
    "the Secret default/gone with the administrators' token does not exist; run pulumi up --refresh, which creates it",
  );
});

test("a pod that does not listen is reported after some retries", async () => {
  standIn.close();
  assert.match(
    await messageOf(tenants({}, 1_000)),
    /^the admin API at pod default\/pulsar-proxy-0, port 8080 cannot be reached: .*(refused|hang up)/,
  );
});
