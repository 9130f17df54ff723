import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { describe, test } from "node:test";
import { type Call, type Props, UNKNOWN } from "../../../rehearsal/standins/protocol.ts";
import { opensshKey } from "../../../rehearsal/standins/tls/openssh.ts";
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

/** The public half of a key made by `ssh-keygen -t ecdsa`, with what `ssh-keygen -y` and `ssh-keygen -l` say of it. */
const known = {
  spki: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVsJmTmJ8mO3zgkyRMvIx0A/vJ/0Smd+algh+tV8mBvSsTwTwK+14FXq1IoE8ZKKx5kn5VFC/T9e3ct3k4AF2aQ==",
  publicKey:
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFbCZk5ifJjt84JMkTLyMdAP7yf9EpnfmpYIfrVfJgb0rE8E8CvteBV6tSKBPGSiseZJ+VRQv0/Xt3Ld5OABdmk=",
  md5: "0e:e7:11:c0:69:5c:95:10:d2:34:d2:f7:20:56:48:7d",
  sha256: "SHA256:kdoGdO0kX+ajijegVycgNOT/48GYfv0qutJoVR0NIQw",
};

async function created(inputs: Props): Promise<{ id: string; outputs: Record<string, string> }> {
  const { id, outputs } = await privateKey.create(inputs, false, call);
  return { id, outputs: outputs as Record<string, string> };
}

describe("the tls stand-in's PrivateKey", () => {
  const kinds = [
    { inputs: { algorithm: "RSA", rsaBits: 1024 }, header: "RSA PRIVATE KEY", openssh: "ssh-rsa" },
    { inputs: { algorithm: "ECDSA", ecdsaCurve: "P384" }, header: "EC PRIVATE KEY", openssh: "ecdsa-sha2-nistp384" },
    { inputs: { algorithm: "ED25519" }, header: "PRIVATE KEY", openssh: "ssh-ed25519" },
    { inputs: { algorithm: "ECDSA" }, header: "EC PRIVATE KEY", openssh: "" },
  ];
  for (const { inputs, header, openssh } of kinds) {
    test(`makes one key in all encodings: ${JSON.stringify(inputs)}`, async () => {
      const { id, outputs } = await created(inputs);
      const { privateKeyPem = "", privateKeyPemPkcs8 = "", publicKeyPem = "", publicKeyOpenssh = "" } = outputs;
      assert.match(privateKeyPem, new RegExp(`^-----BEGIN ${header}-----\n[^]*\n-----END ${header}-----\n$`));
      assert.match(privateKeyPemPkcs8, /^-----BEGIN PRIVATE KEY-----\n/);
      assert.match(publicKeyPem, /^-----BEGIN PUBLIC KEY-----\n[^]*\n-----END PUBLIC KEY-----\n$/);
      const spki = createPublicKey(publicKeyPem).export({ type: "spki", format: "der" });
      for (const pem of [privateKeyPem, privateKeyPemPkcs8]) {
        assert.deepEqual(createPublicKey(createPrivateKey(pem)).export({ type: "spki", format: "der" }), spki);
      }
      assert.equal(id, createHash("sha1").update(spki).digest("hex"));
      assert.equal(publicKeyOpenssh.split(" ")[0], openssh);
    });
  }

  test("has RSA keys of 2048 bits by default", async () => {
    const { outputs } = await created({ algorithm: "RSA" });
    assert.equal(createPrivateKey(outputs.privateKeyPem ?? "").asymmetricKeyDetails?.modulusLength, 2048);
    assert.deepEqual([outputs.rsaBits, outputs.ecdsaCurve], [2048, "P224"]);
  });

  test("makes nothing at preview", async () => {
    const { id, outputs } = await privateKey.create({ algorithm: "RSA" }, true, call);
    assert.equal(id, "");
    assert.equal(outputs.publicKeyPem, UNKNOWN);
    assert.equal(outputs.rsaBits, 2048);
  });

  test("is replaced by any change, and not by naming a default", async () => {
    const diff = async (news: Props) => privateKey.diff?.("id", { algorithm: "RSA" }, { algorithm: "RSA", rsaBits: 2048, ecdsaCurve: "P224" }, news, call); // prettier-ignore
    assert.equal((await diff({ algorithm: "RSA", rsaBits: 2048 }))?.changes, false);
    assert.deepEqual((await diff({ algorithm: "RSA", rsaBits: 4096 }))?.replaces, ["rsaBits"]);
    assert.deepEqual((await diff({ algorithm: "ED25519" }))?.replaces, ["algorithm"]);
  });

  test("refuses other algorithms and curves by name", async () => {
    const checked = await privateKey.check?.({ algorithm: "DSA", ecdsaCurve: "P1" }, undefined, call);
    assert.deepEqual(checked?.failures, [
      { property: "algorithm", reason: 'value must be one of: "RSA", "ECDSA", "ED25519", got: "DSA"' },
      { property: "ecdsaCurve", reason: 'value must be one of: "P224", "P256", "P384", "P521", got: "P1"' },
    ]);
    assert.deepEqual((await privateKey.check?.({ algorithm: UNKNOWN }, undefined, call))?.failures, []);
  });

  test("keeps every private encoding secret, and stays as it is on refresh", async () => {
    assert.deepEqual(tls.secretOutputs?.(call.type), secretOutputs);
    const { id, outputs } = await privateKey.create({ algorithm: "ED25519" }, false, call);
    const leaks = Object.entries(outputs).filter(
      ([name, value]) => !secretOutputs.includes(name) && String(value).includes("PRIVATE"),
    );
    assert.deepEqual(leaks, []);
    assert.deepEqual(await privateKey.read(id, {}, outputs, call), { id, inputs: {}, outputs });
  });

  test("writes OpenSSH as ssh-keygen does", () => {
    const key = createPublicKey({ key: Buffer.from(known.spki, "base64"), type: "spki", format: "der" });
    const written = opensshKey(key) ?? assert.fail();
    assert.equal(written.publicKey, `${known.publicKey}\n`);
    assert.equal(written.fingerprintMd5, known.md5);
    assert.equal(written.fingerprintSha256, known.sha256);
  });
});
