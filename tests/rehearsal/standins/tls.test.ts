import assert from "node:assert/strict";
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { type Props, UNKNOWN } from "../../../rehearsal/standins/protocol.ts";
import { certRequest, locallySignedCert, selfSignedCert } from "../../../rehearsal/standins/tls/certificates.ts";
import { privateKey, secretOutputs } from "../../../rehearsal/standins/tls/privateKey.ts";
import { tls } from "../../../rehearsal/standins/tls/provider.ts";
import { callOf } from "./call.ts";

const call = callOf("tls:index/privateKey:PrivateKey");

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
    assert.deepEqual(tls().secretOutputs?.(call.type), secretOutputs);
    const { id, outputs } = await privateKey.create({ algorithm: "RSA" }, false, call);
    const leaks = Object.entries(outputs).filter(
      ([name, value]) => !secretOutputs.includes(name) && String(value).includes("PRIVATE"),
    );
    assert.deepEqual(leaks, []);
    assert.deepEqual(await privateKey.read(id, {}, outputs, call), { id, inputs: {}, outputs });
  });
});

describe("the tls stand-in's certificates", () => {
  const make = async (handler: typeof certRequest, inputs: Props) =>
    (await handler.create(inputs)).outputs as Record<string, string> & { readyForRenewal?: boolean };
  const keys = [
    { algorithm: "ECDSA", ecdsaCurve: "P256" },
    { algorithm: "RSA", rsaBits: 2048 },
  ];
  const caTerms = { allowedUses: ["cert_signing", "crl_signing"], isCaCertificate: true, validityPeriodHours: 48 };
  const terms = { allowedUses: ["digital_signature", "server_auth", "client_auth"], validityPeriodHours: 24 };
  const owner = { subject: { commonName: "pulsar-broker" }, dnsNames: ["*.broker.test", "broker.test"], ipAddresses: ["10.0.0.1"] }; // prettier-ignore

  async function chain(key: Props) {
    const [{ outputs: caKey }, { outputs: ownKey }] = [await created(key), await created(key)];
    const subject = { commonName: "CA 1", organization: "test" };
    const caInputs = { privateKeyPem: caKey.privateKeyPem, subject, ...caTerms };
    const ca = await make(selfSignedCert, caInputs);
    const request = await make(certRequest, { privateKeyPem: ownKey.privateKeyPem, ...owner });
    const signing = { caCertPem: ca.certPem, caPrivateKeyPem: caKey.privateKeyPem };
    const inputs = { ...signing, certRequestPem: request.certRequestPem, ...terms };
    return { ca, ownKey, request, inputs, leaf: await make(locallySignedCert, inputs) };
  }

  for (const key of keys) {
    test(`${key.algorithm}: a request's certificate has its names and key, and its CA's signature`, async () => {
      const { ca, ownKey, request, leaf } = await chain(key);
      const [authority, certificate] = [new X509Certificate(ca.certPem ?? ""), new X509Certificate(leaf.certPem ?? "")];
      assert.deepEqual([authority.ca, certificate.ca], [true, false]);
      assert.equal(authority.subject, "O=test\nCN=CA 1");
      assert.ok(authority.verify(authority.publicKey) && authority.checkIssued(authority));
      assert.ok(certificate.verify(authority.publicKey) && certificate.checkIssued(authority));
      assert.ok(certificate.checkPrivateKey(createPrivateKey(ownKey.privateKeyPem ?? "")));
      assert.ok(certificate.checkHost("pulsar-0.broker.test") && certificate.checkHost("broker.test"));
      assert.ok(certificate.checkIP("10.0.0.1") && !certificate.checkHost("other.test"));
      assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
      assert.match(request.certRequestPem ?? "", /^-----BEGIN CERTIFICATE REQUEST-----\n[^]*-----\n$/);
    });
  }

  test("say how long they are valid, and when they can be renewed", async () => {
    const { leaf, inputs } = await chain(keys[0] ?? {});
    const { validityStartTime = "", validityEndTime = "" } = leaf;
    assert.match(validityEndTime, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(Date.parse(validityEndTime) - Date.parse(validityStartTime), 24 * 3_600_000);
    assert.equal(Date.parse(new X509Certificate(leaf.certPem ?? "").validTo), Date.parse(validityEndTime));
    assert.equal(leaf.readyForRenewal, false);

    const diff = async (outputs: Props) => locallySignedCert.diff("id", inputs, outputs, inputs);
    const unchanged = { changes: false, replaces: [], deleteBeforeReplace: false, changedKeys: [] };
    assert.deepEqual(await diff(leaf), unchanged);
    const over = { ...leaf, validityEndTime: "2020-01-01T00:00:00Z" };
    assert.deepEqual((await diff(over)).replaces, ["readyForRenewal"]);
    assert.equal((await locallySignedCert.read("id", inputs, over)).outputs.readyForRenewal, true);
  });

  test("are replaced for a change, but not for an explicit default", async () => {
    const diff = async (handler: typeof certRequest, olds: Props, news: Props) =>
      (await handler.diff("id", olds, {}, { ...olds, ...news })).replaces;
    assert.deepEqual(await diff(locallySignedCert, terms, { caCertPem: UNKNOWN }), ["caCertPem"]);
    assert.deepEqual(await diff(locallySignedCert, terms, { validityPeriodHours: 12 }), ["validityPeriodHours"]);
    assert.deepEqual(await diff(locallySignedCert, terms, { isCaCertificate: false }), []);
    assert.deepEqual(await diff(certRequest, owner, { dnsNames: ["*.broker.test", "b"] }), ["dnsNames[1]"]);
    assert.deepEqual(await diff(selfSignedCert, caTerms, { subject: { commonName: "CA 2" } }), ["subject"]);
  });

  test("are not created at preview", async () => {
    const { id, outputs } = await locallySignedCert.create(terms, true);
    assert.equal(id, "");
    assert.deepEqual([outputs.certPem, outputs.validityEndTime], [UNKNOWN, UNKNOWN]);
    assert.equal(outputs.isCaCertificate, false);
  });

  test("keep private keys secret", () => {
    for (const name of [
      "selfSignedCert:SelfSignedCert",
      "certRequest:CertRequest",
      "locallySignedCert:LocallySignedCert",
    ])
      assert.deepEqual(tls().secretOutputs?.(`tls:index/${name}`), ["privateKeyPem", "caPrivateKeyPem"]);
  });

  test("with unsupported inputs are refused", async () => {
    const check = async (news: Props) => (await selfSignedCert.check(news)).failures;
    assert.deepEqual(await check({ ...caTerms, allowedUses: ["cert_signing", "code_signing"] }), [
      { property: "allowedUses", reason: 'the tls stand-in does not implement "code_signing"' },
    ]);
    assert.deepEqual(await check({ ...caTerms, subject: { locality: "Here" } }), [
      { property: "subject", reason: 'the tls stand-in does not implement "locality"' },
    ]);
    assert.deepEqual(await check({ ...caTerms, earlyRenewalHours: 24 }), [
      { property: "", reason: 'the tls stand-in does not implement "earlyRenewalHours"' },
    ]);
    assert.deepEqual(await check(caTerms), []);
  });
});
