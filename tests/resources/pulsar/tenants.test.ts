import { after, before } from "node:test";
import { startAdminApi, type StandInAdminApi } from "../../../rehearsal/standins/adminApi.ts";
import { asker } from "../../support/adminRequests.ts";
import { startSecretServer } from "../../support/secretServer.ts";
import { tenantsBehave, type World } from "./tenantBehavior.ts";

let standIn: StandInAdminApi;
let secrets: Awaited<ReturnType<typeof startSecretServer>>;
let world: World;

before(async () => {
  standIn = await startAdminApi({
    cluster: "pulsar",
    superUsers: ["admin"],
    // Tokens are verified in tests/rehearsal/cluster/adminApi.test.ts.
    verify: (token) =>
      token.startsWith("role:") ? Promise.resolve(token.slice(5)) : Promise.reject(new Error("no token")),
  });
  secrets = await startSecretServer({ admin: "role:admin", nobody: "role:nobody", stranger: "stranger" });
  const access = (secret: string) => ({
    cluster: secrets.cluster,
    namespace: "pulsar",
    release: "pulsar",
    service: "pulsar-proxy",
    token: { secret, key: "TOKEN" },
    address: `http://127.0.0.1:${standIn.port}`,
  });
  world = {
    access: access("admin"),
    nobody: access("nobody"),
    stranger: access("stranger"),
    cluster: "pulsar",
    ask: asker(`http://127.0.0.1:${standIn.port}`, "role:admin"),
    produce(tenant, namespace, topic) {
      standIn.produce(tenant, namespace, topic === "created" ? "created-partition-1" : topic, 42);
      return Promise.resolve();
    },
  };
});
after(async () => {
  standIn.close();
  await secrets.close();
});

tenantsBehave("on the stand-in", () => world);
