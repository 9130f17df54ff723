import { after, before } from "node:test";
import { startAdminApi, type StandInAdminApi } from "../../../rehearsal/standins/adminApi.ts";
import { asker } from "../../support/adminRequests.ts";
import { tokenServers } from "../../support/tokenServer.ts";
import { tenantsBehave, type World } from "./tenantBehavior.ts";

let standIn: StandInAdminApi;
const serveTokens = tokenServers();
let world: World;

before(async () => {
  standIn = await startAdminApi({
    cluster: "pulsar",
    superUsers: ["admin"],
    // Tokens are verified in tests/rehearsal/cluster/adminApi.test.ts.
    verify: (token) =>
      token.startsWith("role:") ? Promise.resolve(token.slice(5)) : Promise.reject(new Error("no token")),
  });
  const access = await serveTokens({ admin: "role:admin", nobody: "role:nobody", stranger: "stranger" });
  const address = `http://127.0.0.1:${standIn.port}`;
  world = {
    access: access("admin", address),
    nobody: access("nobody", address),
    stranger: access("stranger", address),
    cluster: "pulsar",
    ask: asker(address, "role:admin"),
    produce(tenant, namespace, topic) {
      standIn.produce(tenant, namespace, topic === "created" ? "created-partition-1" : topic, 42);
      return Promise.resolve();
    },
  };
});
after(() => {
  standIn.close();
});

tenantsBehave("on the stand-in", () => world);
