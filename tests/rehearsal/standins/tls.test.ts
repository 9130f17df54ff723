import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { describe, test } from "node:test";
import { type Call, type Props, UNKNOWN } from "../../../rehearsal/standins/protocol.ts";
import { privateKey, secretOutputs } from "../../../rehearsal/standins/tls/privateKey.ts";
import { tls } from "../../../rehearsal/standins/tls/provider.ts";

const call: Call = {
  urn: "urn",
  type: "tls:index/privateKey:PrivateKey",
  name: "key",
  timeoutSeconds: 0,
  log: { info: () => undefined, warn: () => undefined, status: () => undefined },
  signal: new AbortController().signal,
};

async function created(inputs: Props): Promise<{ id: string; outputs: Record<string, string> }> {
  const { id, outputs } = await privateKey.create(inputs, false, call);
  return { id, outputs: outputs as Record<string, string> };
}

describe("the tls stand-in's PrivateKey", () => {
  const kinds = [
    { inputs: { algorithm: "RSA", rsaBits: 1024 }, header: "RSA PRIVATE KEY" },
    { inputs: { algorithm: "ECDSA", ecdsaCurve: "P256" }, header: "EC PRIVATE KEY" },
  ];
  for (const { inputs, header } of kinds) {
    test(`creates one key in all encodings: ${JSON.stringify(inputs)}`, async () => {
      const { id, outputs } = await created(inputs);
      const { privateKeyPem = "", privateKeyPemPkcs8 = "", publicKeyPem = "" } = outputs;
      assert.match(privateKeyPem, new RegExp(`^-----BEGIN ${header}-----\n[^]*\n-----END ${header}-----\n$`));
      assert.match(privateKeyPemPkcs8, /^-----BEGIN PRIVATE KEY-----\n/);
      assert.match(publicKeyPem, /^-----BEGIN PUBLIC KEY-----\n[^]*\n-----END PUBLIC KEY-----\n$/);
      const spki = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
      for (const pem of [privateKeyPem, privateKeyPemPkcs8]) {
        assert.deepEqual(createPublicKey(createPrivateKey(pem)).export({ type: "spki", format: "der" }), spki);
      }
      assert.equal(id, createHash("sha1").update(spki).digest("hex"));
      const digest = createHash("sha256").update(spki).digest("base64");
      assert.equal(`${outputs.publicKeyFingerprintSha256 ?? ""}=`, `SHA256:${digest}`);
    });
  }

  test("has RSA keys of 2048 bits by default", async () => {
    const { outputs } = await created({ algorithm: "RSA" });
    assert.equal(createPrivateKey(outputs.privateKeyPem ?? "").asymmetricKeyDetails?.modulusLength, 2048);
    assert.deepEqual([outputs.rsaBits, outputs.ecdsaCurve], [2048, "P224"]);
  });

  test("creates nothing at preview", async () => {
    const { id, outputs } = await privateKey.create({ algorithm: "RSA" }, true, call);
    assert.equal(id, "");
    assert.equal(outputs.publicKeyPem, UNKNOWN);
    assert.equal(outputs.rsaBits, 2048);
  });

  test("is replaced for any change, but not for an explicit default", async () => {
    const diff = async (news: Props) => privateKey.diff?.("id", { algorithm: "RSA" }, { algorithm: "RSA", rsaBits: 2048, ecdsaCurve: "P224" }, news, call); // prettier-ignore
    assert.equal((await diff({ algorithm: "RSA", rsaBits: 2048 }))?.changes, false);
    assert.deepEqual((await diff({ algorithm: "RSA", rsaBits: 4096 }))?.replaces, ["rsaBits"]);
    assert.deepEqual((await diff({ algorithm: "ECDSA" }))?.replaces, ["algorithm"]);
  });

  test("refuses unsupported inputs", async () => {
    const failuresOf = async (news: Props) => (await privateKey.check?.(news, undefined, call))?.failures;
    assert.deepEqual(await failuresOf({ algorithm: "ED25519" }), [
      { property: "algorithm", reason: 'the tls stand-in implements RSA and ECDSA only, got: "ED25519"' },
    ]);
    assert.deepEqual(await failuresOf({ algorithm: "ECDSA", ecdsaCurve: "P384" }), [
      { property: "ecdsaCurve", reason: 'the tls stand-in implements P256 only, got: "P384"' },
    ]);
    assert.deepEqual(await failuresOf({ algorithm: UNKNOWN }), []);
  });

  test("keeps every private encoding secret, and is unchanged on refresh", async () => {
    assert.deepEqual(tls.secretOutputs?.(call.type), secretOutputs);
    const { id, outputs } = await privateKey.create({ algorithm: "RSA" }, false, call);
    const leaks = Object.entries(outputs).filter(
      ([name, value]) => !secretOutputs.includes(name) && String(value).includes("PRIVATE"),
    );
    assert.deepEqual(leaks, []);
    assert.deepEqual(await privateKey.read(id, {}, outputs, call), { id, inputs: {}, outputs });
  });
});
