/** Port-forwards to the admin API through a real API server, with KWOK as the kubelet. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:https";
import { after, before, test } from "node:test";
import { type AdminAccess, withAdminApi } from "../../../resources/pulsar/adminApi.ts";
import { connect } from "../../../resources/kubernetes/connection.ts";
import { type Certificates, makeCertificates } from "../../../rehearsal/cluster/certificates.ts";
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
const [port = 0, tlsPort = 0] = await freePorts(2);
const namespace = "default";
const running = await startCluster({
  tools,
  workspace,
  forward: { namespace, pods: ["pulsar-proxy-0"], ports: { 8080: port, 8443: tlsPort } },
});
const cluster = { kubeconfig: running.kubeconfig, context: running.context };
const { api } = await connect(cluster);

const access: AdminAccess = {
  cluster,
  namespace,
  release: "pulsar",
  service: "pulsar-proxy",
  token: { secret: "pulsar-token-admin", key: "TOKEN" },
};
const tenants = (changes: Partial<AdminAccess> = {}, limit?: number) =>
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
  const ports = [
    { name: "http", port: 80, targetPort: "sts-http" },
    { name: "https", port: 443, targetPort: 8443 },
  ];
  await make("Service", "pulsar-proxy", { spec: { ports } });
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

test("TLS trusts the CA in the Secret alone and checks the name of the Service", async () => {
  const forwardCa = { secret: "pulsar-ca-tls", key: "ca.crt" };
  assert.match(
    await messageOf(tenants({ forwardCa })),
    /^the Secret default\/pulsar-ca-tls with the CA's certificate does not exist; /,
  );
  const host = "pulsar-proxy.default.svc";
  const trusted = await makeCertificates(host);
  const expired = await makeCertificates(host, -1);
  const misnamed = await makeCertificates("pulsar-broker.default.svc");
  const ca = [trusted, expired, misnamed].map(({ ca }) => ca).join("");
  await make("Secret", forwardCa.secret, { stringData: { [forwardCa.key]: ca } });
  const sent: unknown[] = [];
  const answer = async ({ certificate: cert, key }: Certificates) => {
    const server = createServer({ cert, key }, (request, response) => {
      sent.push(request.headers.authorization);
      response.end("[]");
    });
    await once(server.listen(tlsPort, "127.0.0.1"), "listening");
    const found = await tenants({ forwardCa }, 0).catch((error: unknown) => (error as Error).message);
    server.close();
    server.closeAllConnections();
    return found;
  };
  const pod = "the admin API at pod default/pulsar-proxy-0, port 8443";
  const foreign = "has a certificate of a CA that is not trusted (those of Secret default/pulsar-ca-tls)";
  const refused = new RegExp(`^${pod} has a certificate for other names: .*${host}.*; issue it for this name too`);
  assert.deepEqual(await answer(trusted), []);
  assert.ok(String(await answer(await makeCertificates(host))).startsWith(`${pod} ${foreign}; `));
  assert.ok(String(await answer(expired)).startsWith(`${pod} has an expired certificate; renew it`));
  assert.match(String(await answer(misnamed)), refused);
  assert.deepEqual(sent, ["Bearer the-token"]);
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
