import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyPair, signToken, symmetricKey, tokenKeys } from "../../../model/tokens.ts";
import { proxyForward, roleOf } from "../../../rehearsal/cluster/adminApi.ts";
import { parseSettings } from "../../../settings/settings.ts";
import { testEcKeyPem, testKeyPem } from "../../support/mocks.ts";
import { stackConfig } from "../../support/stackFile.ts";

describe("the stand-in for the admin API", () => {
  for (const keys of tokenKeys) {
    const pem = keys === "ecdsa" ? testEcKeyPem : testKeyPem;
    const data = keys === "symmetric" ? symmetricKey(pem) : { PUBLICKEY: keyPair(pem).PUBLICKEY };

    test(`accepts a token that is signed with the stack's key, ${keys}`, async () => {
      assert.equal(await roleOf(await signToken(pem, keys, { role: "admin" }), keys, data), "admin");
    });

    test(`refuses other tokens, ${keys}`, async () => {
      const token = await signToken(pem, keys, { role: "admin" });
      const others = tokenKeys.filter((other) => other !== keys);
      for (const other of others) {
        const forged = await signToken(other === "ecdsa" ? testEcKeyPem : testKeyPem, other, { role: "admin" });
        await assert.rejects(roleOf(forged, keys, data));
      }
      const [head = "", , signature = ""] = token.split(".");
      const claims = Buffer.from(JSON.stringify({ sub: "broker-admin" })).toString("base64url");
      await assert.rejects(roleOf([head, claims, signature].join("."), keys, data));
      await assert.rejects(roleOf(await signToken(pem, keys, { role: "admin", expires: "2020-01-01" }), keys, data));
      await assert.rejects(roleOf("nonsense", keys, data));
    });
  }
});

test("gets the port-forwards of each proxy of the stack, on the ports for HTTP and HTTPS of both chart lines", () => {
  const settings = parseSettings(stackConfig("test", { "pulsar:release": "demo" }), "test", false);
  assert.deepEqual(proxyForward(settings, { http: 1234, https: 1235 }), {
    namespace: "pulsar",
    pods: ["demo-pulsar-proxy-0", "demo-pulsar-proxy-1", "demo-pulsar-proxy-2"],
    ports: { 80: 1234, 8080: 1234, 443: 1235, 8443: 1235 },
  });
});
