/** A real broker, and a real proxy before it, are given what JwtAuth puts into the chart's Secrets. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { JwtAuth } from "../../components/jwtAuth.ts";
import { signToken, tokenKeys } from "../../model/tokens.ts";
import { newPrivateKey, type Pulsar, startPulsar } from "../../rehearsal/pulsar/pulsar.ts";
import { handshake } from "../../rehearsal/realCluster/messages/handshake.ts";
import { openWorkspace, type Workspace } from "../../rehearsal/engine/workspace.ts";
import { named, register, testEcKeyPem, testKeyPem } from "../support/mocks.ts";

for (const keys of tokenKeys) {
  describe(`JwtAuth with ${keys} keys`, () => {
    const pem = keys === "ecdsa" ? testEcKeyPem : testKeyPem;
    let workspace: Workspace;
    let pulsar: Pulsar;
    /** The data of the stack's Secrets, by logical name and key. */
    let secrets: (name: string, key: string) => Buffer;

    before(async () => {
      const registered = await register(() => {
        new JwtAuth("auth", {
          namespace: "pulsar",
          release: "pulsar",
          keys,
          generation: 1,
          superUsers: [{ role: "admin" }],
          clients: [{ role: "orders" }, { role: "audit", expires: "2020-01-01" }],
        });
      });
      secrets = (name, key) => {
        const data = named(registered, name).inputs.data as Record<string, string>;
        return Buffer.from(data[key] ?? "", "base64");
      };
      workspace = await openWorkspace();
      pulsar = await startPulsar({ workspace, keys, privateKey: pem });
    });

    after(() => workspace.close());

    const handshakes = (token?: string) =>
      Promise.all(
        [pulsar.serviceUrl, pulsar.brokerServiceUrl].map((url) => handshake(Number(new URL(url).port), token)),
      );

    /** What proxy and broker answer to a question, which is always the same. */
    async function answers(path: string, token?: string): Promise<number> {
      const statuses = await Promise.all(
        [pulsar.adminUrl, pulsar.brokerAdminUrl].map(async (url) => {
          const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` });
          const response = await fetch(`${url}${path}`, { headers, signal: AbortSignal.timeout(30_000) });
          await response.text();
          return response.status;
        }),
      );
      const [first] = statuses;
      assert.ok(first !== undefined && statuses.every((status) => status === first), statuses.join(" and "));
      return first;
    }

    const tenants = "/admin/v2/tenants";

    test("the broker verifies tokens with the key in the Secret", async () => {
      const key = keys === "symmetric" ? "SECRETKEY" : "PUBLICKEY";
      assert.deepEqual(await readFile(pulsar.keyFile), secrets("auth-key-secret", key));
    });

    test("the administrators' token is accepted", async () => {
      const token = secrets("auth-token-admin", "TOKEN").toString();
      assert.equal(await answers(tenants, token), 200);
      assert.deepEqual(await handshakes(token), ["accepted", "accepted"]);
    });

    test("a missing, an expired and a wrongly signed token are rejected", async () => {
      const expired = secrets("auth-token-audit", "TOKEN").toString();
      const other = await signToken(newPrivateKey(keys), keys, { role: "admin" });
      for (const token of [undefined, expired, other]) {
        assert.equal(await answers(tenants, token), 401);
        assert.deepEqual(await handshakes(token), ["refused", "refused"]);
      }
    });

    test("an application's token is accepted, but not as a super user", async () => {
      const token = secrets("auth-token-orders", "TOKEN").toString();
      const response = await fetch(`${pulsar.adminUrl}${tenants}`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(response.status, 401);
      // Not "Authentication required": the broker knows whose token it is.
      assert.match(await response.text(), /Unauthorized .*\[orders\]/);
    });

    test("metrics need no token", async () => {
      assert.equal(await answers("/metrics/"), 200);
    });
  });
}
