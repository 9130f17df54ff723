/** The resources in Pulsar against a real broker behind a real proxy, and a comparison of the rehearsal's stand-in with them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { signToken } from "../../../model/tokens.ts";
import { newPrivateKey, type Pulsar, startPulsar } from "../../../rehearsal/pulsar/pulsar.ts";
import { startAdminApi } from "../../../rehearsal/standins/adminApi.ts";
import { openWorkspace } from "../../../rehearsal/engine/workspace.ts";
import { asker, sorted } from "../../support/adminRequests.ts";
import { produceAt } from "../../support/produce.ts";
import { tokenServers } from "../../support/tokenServer.ts";
import { tenantsBehave, type World } from "./tenantBehavior.ts";

const serveTokens = tokenServers();
const workspace = await openWorkspace();
let pulsar: Pulsar;
let tokens: { admin: string; nobody: string; stranger: string };
let world: World;

before(async () => {
  pulsar = await startPulsar({ workspace, keys: "asymmetric" });
  tokens = {
    admin: await pulsar.token({ role: "admin" }),
    nobody: await pulsar.token({ role: "nobody" }),
    stranger: await signToken(newPrivateKey("asymmetric"), "asymmetric", { role: "admin" }),
  };
  const access = await serveTokens(tokens);
  world = {
    access: access("admin", pulsar.adminUrl),
    nobody: access("nobody", pulsar.adminUrl),
    stranger: access("stranger", pulsar.adminUrl),
    cluster: pulsar.cluster,
    ask: asker(pulsar.adminUrl, tokens.admin),
    produce: (tenant, namespace, topic) =>
      produceAt(pulsar.brokerAdminUrl, tokens.admin, `persistent://${tenant}/${namespace}/${topic}`),
  };
});
after(async () => {
  await workspace.close();
});

tenantsBehave("on a real broker", () => world);

type Request = [method: string, path: string, body?: unknown];

const info = { adminRoles: ["b"], allowedClusters: ["pulsar"] };
const requests: Request[] = [
  ["GET", "/tenants"],
  ["GET", "/tenants/none"],
  ["PUT", "/tenants/t", { ...info, allowedClusters: [] }],
  ["PUT", "/tenants/t", { ...info, allowedClusters: ["none"] }],
  ["PUT", "/tenants/t%20t", info],
  ["PUT", "/tenants/t", info],
  ["PUT", "/tenants/t", info],
  ["GET", "/tenants/t"],
  ["POST", "/tenants/t", { ...info, adminRoles: [] }],
  ["POST", "/tenants/none", info],
  ["GET", "/tenants/t"],
  ["GET", "/namespaces/none"],
  ["GET", "/namespaces/t"],
  ["PUT", "/namespaces/none/n"],
  ["GET", "/namespaces/t/n"],
  ["PUT", "/namespaces/t/n", { message_ttl_in_seconds: 60 }],
  ["PUT", "/namespaces/t/n"],
  ["GET", "/namespaces/t/n"],
  ["POST", "/namespaces/t/n/messageTTL", 0],
  ["POST", "/namespaces/t/n/messageTTL", -1],
  ["POST", "/namespaces/t/n/retention", { retentionTimeInMinutes: -1, retentionSizeInMB: 10 }],
  ["POST", "/namespaces/t/none/retention", { retentionTimeInMinutes: -1, retentionSizeInMB: 10 }],
  ["POST", "/namespaces/t/n/permissions/a%2Fb", ["produce"]],
  ["POST", "/namespaces/t/none/permissions/a", ["produce"]],
  ["DELETE", "/namespaces/t/n/permissions/none"],
  ["GET", "/namespaces/t/n/permissions"],
  ["GET", "/namespaces/t/n"],
  ["GET", "/persistent/t/n"],
  ["GET", "/persistent/t/none"],
  ["GET", "/persistent/t/n/partitioned"],
  ["GET", "/persistent/t/none/partitioned"],
  ["GET", "/non-persistent/t/n/partitioned"],
  ["GET", "/namespaces/t/n/topics?mode=ALL"],
  ["GET", "/namespaces/t/none/topics?mode=ALL"],
  ["GET", "/persistent/t/n/none/partitions"],
  ["GET", "/persistent/t/none/none/partitions"],
  ["PUT", "/persistent/t/n/three/partitions", 3],
  ["PUT", "/persistent/t/n/three/partitions", 3],
  ["PUT", "/persistent/t/n/three"],
  ["PUT", "/persistent/t/n/zero/partitions", 0],
  ["PUT", "/persistent/t/n/single"],
  ["PUT", "/persistent/t/n/single"],
  ["PUT", "/persistent/t/n/single/partitions", 2],
  ["GET", "/persistent/t/n/three/partitions"],
  ["GET", "/persistent/t/n/single/partitions"],
  ["POST", "/persistent/t/n/three/partitions", 2],
  ["POST", "/persistent/t/n/three/partitions", 4],
  ["POST", "/persistent/t/n/single/partitions", 4],
  ["POST", "/persistent/t/n/none/partitions", 4],
  ["GET", "/persistent/t/n"],
  ["GET", "/persistent/t/n/partitioned"],
  ["GET", "/namespaces/t/n/topics?mode=ALL"],
  ["GET", "/persistent/t/n/single/stats"],
  ["GET", "/persistent/t/n/three/partitioned-stats"],
  ["GET", "/persistent/t/n/none/stats"],
  ["GET", "/persistent/t/n/single/partitioned-stats"],
  ["POST", "/persistent/t/n/three/permissions/a", ["produce"]],
  ["POST", "/persistent/t/n/none/permissions/a", ["produce"]],
  ["DELETE", "/persistent/t/n/three/permissions/none"],
  ["GET", "/namespaces/t/n"],
  ["DELETE", "/namespaces/t/n"],
  ["DELETE", "/tenants/t"],
  ["DELETE", "/persistent/t/n/single/partitions?force=false"],
  ["DELETE", "/persistent/t/n/three?force=false"],
  ["DELETE", "/persistent/t/n/none?force=false"],
  ["DELETE", "/persistent/t/n/none/partitions?force=false"],
  ["DELETE", "/persistent/t/n/single?force=false"],
  ["DELETE", "/persistent/t/n/three/partitions?force=true"],
  ["GET", "/namespaces/t/n"],
  ["DELETE", "/namespaces/t/n"],
  ["DELETE", "/namespaces/t/n"],
  ["DELETE", "/tenants/t"],
  ["DELETE", "/tenants/t"],
  ["GET", "/nonsense"],
];

test("the stand-in responds like the real broker", async () => {
  const standIn = await startAdminApi({
    cluster: pulsar.cluster,
    superUsers: ["admin"],
    verify: (token) => Promise.resolve(token === tokens.admin ? "admin" : "nobody"),
  });
  const [real, ours] = [world.ask, asker(`http://127.0.0.1:${standIn.port}`, tokens.admin)];
  for (const request of requests) {
    const [expected, found] = [await real(...request), await ours(...request)];
    const what = JSON.stringify(request);
    assert.equal(found.status, expected.status, `${what}: ${JSON.stringify(expected.body)}`);
    if (typeof found.body === "string") assert.equal(typeof expected.body, "string", what);
    // The resources do not read the other parts of a broker's responses.
    else assert.partialDeepStrictEqual(sorted(expected.body), sorted(found.body), what);
  }
  const wrong = [undefined, "nonsense"].map(
    (token) =>
      [
        asker(pulsar.adminUrl, token),
        asker(`http://127.0.0.1:${standIn.port}`, token === undefined ? undefined : tokens.nobody),
      ] as const,
  );
  for (const [real, ours] of wrong)
    assert.equal((await ours("GET", "/tenants")).status, (await real("GET", "/tenants")).status);
  standIn.close();
});
