import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { before, describe, test } from "node:test";
import { certificateNames, organizationalUnit, tlsComponents, tlsSecrets } from "../../model/tls.ts";
import { type SecretContent, tlsSecretFaults } from "../../model/tlsSecretFaults.ts";
import { newPrivateKey } from "../../rehearsal/pulsar/pulsar.ts";
import {
  certificateRequest,
  locallySignedCertificate,
  selfSignedCertificate,
} from "../../rehearsal/standins/tls/x509.ts";

const installation = { release: "pulsar", namespace: "messaging", clusterDomain: "cluster.local" };
const names = tlsSecrets("pulsar");
const day = 86_400_000;

async function newCa(changes = {}) {
  const privateKeyPem = newPrivateKey("asymmetric");
  const terms = { validityPeriodHours: 240, allowedUses: ["cert_signing"], isCaCertificate: true, ...changes };
  const { certPem } = await selfSignedCertificate(privateKeyPem, { subject: { commonName: "CA" } }, terms);
  return { certPem, privateKeyPem };
}

async function secret(
  ca: Awaited<ReturnType<typeof newCa>>,
  key: string,
  dnsNames: string[],
  unit?: string,
  allowedUses = ["server_auth", "client_auth"],
) {
  const subject = { commonName: "pulsar", ...(unit !== undefined && { organizationalUnit: unit }) };
  const request = await certificateRequest(key, { subject, dnsNames });
  const terms = { validityPeriodHours: 24, allowedUses };
  const { certPem } = await locallySignedCertificate(request, ca, terms);
  return { "tls.crt": certPem, "tls.key": key, "ca.crt": ca.certPem, "tls-combined.pem": key + certPem };
}

describe("existing Secrets for TLS", () => {
  const good = new Map<string, SecretContent>();
  const key = newPrivateKey("asymmetric");
  let ca: Awaited<ReturnType<typeof newCa>>;
  before(async () => {
    ca = await newCa();
    good.set(names.ca, { "ca.crt": ca.certPem });
    for (const component of tlsComponents) {
      good.set(
        names.components[component],
        await secret(ca, key, certificateNames(installation, component, []), organizationalUnit),
      );
    }
  });
  const faults = (changes: Record<string, SecretContent | undefined>, hosts: string[] = [], after = 0) => {
    const found = new Map([...good, ...Object.entries(changes)]);
    for (const [name, content] of Object.entries(changes)) if (content === undefined) found.delete(name);
    const secrets = new Map([...found].flatMap(([name, content]) => (content ? [[name, content] as const] : [])));
    return tlsSecretFaults(secrets, installation, hosts, new Date(Date.now() + 1000 + after));
  };

  test("are accepted if they fit", () => {
    assert.deepEqual(faults({}), []);
  });

  test("that are missing or incomplete are named", () => {
    assert.deepEqual(faults({ "pulsar-tls-broker": undefined, "pulsar-tls-proxy": { "tls.crt": "x" } }), [
      "Secret pulsar-tls-broker does not exist; create it with tls.crt, tls.key, tls-combined.pem",
      "Secret pulsar-tls-proxy: tls.key, tls-combined.pem is missing; add it",
    ]);
    assert.equal(faults({ "pulsar-ca-tls": { "ca.crt": "" } }).length, 1 + tlsComponents.length);
  });

  test("with another key, CA, unit or missing names have a line each, without any value", async () => {
    const other = await secret(await newCa(), key, ["pulsar-broker"]);
    const lines = faults({ "pulsar-tls-broker": { ...other, "tls.key": newPrivateKey("asymmetric") } });
    const starts = [
      "tls.key is not the key of the certificate in tls.crt; ",
      "the certificate comes from no valid CA in ca.crt of the CA's Secret; ",
      "the certificate is not for *.pulsar-broker.messaging.svc.cluster.local, ",
      "the certificate's subject has no OU=0:pulsar, which bookies require; ",
      "tls-combined.pem does not consist of tls.key and tls.crt; ",
    ];
    assert.equal(lines.length, starts.length, lines.join("\n"));
    for (const [i, start] of starts.entries())
      assert.ok(lines[i]?.startsWith(`Secret pulsar-tls-broker: ${start}`), lines[i]);
    assert.doesNotMatch(lines.join("\n"), /-----BEGIN/);
  });

  test("with a key that is not an RSA key in PKCS#8 are named", () => {
    for (const other of [
      newPrivateKey("ecdsa"),
      "-----BEGIN PRIVATE KEY-----\nx",
      createPrivateKey(key).export({ type: "pkcs1", format: "pem" }),
    ]) {
      const lines = faults({ "pulsar-tls-broker": { ...good.get("pulsar-tls-broker"), "tls.key": String(other) } });
      assert.match(lines[0] ?? "", /^Secret pulsar-tls-broker: tls\.key is not an RSA key in PKCS#8; /, String(other));
    }
  });

  test("of a CA that has ended are named", () => {
    const lines = faults({}, [], 11 * day);
    assert.match(lines[0] ?? "", /^Secret pulsar-ca-tls: ca\.crt has no valid certificate; /);
    const untrusted = lines.filter((line) => line.includes("the certificate comes from no valid CA in ca.crt"));
    assert.equal(untrusted.length, tlsComponents.length);
  });

  test("of an intermediate CA that has ended, of no CA, or for servers only, are named", async () => {
    const none = await newCa({ isCaCertificate: false });
    const intermediateKey = newPrivateKey("asymmetric");
    const request = await certificateRequest(intermediateKey, { subject: { commonName: "intermediate" } });
    const intermediate = async (validityPeriodHours: number) => {
      const terms = { validityPeriodHours, allowedUses: ["cert_signing"], isCaCertificate: true };
      const { certPem } = await locallySignedCertificate(request, ca, terms);
      return { certPem, privateKeyPem: intermediateKey };
    };
    const linesOf = async (by: typeof ca, above = "", uses?: string[]) => {
      const names = certificateNames(installation, "broker", []);
      const content = await secret(by, key, names, organizationalUnit, uses);
      const pem = content["tls.crt"] + above;
      const broker = { ...content, "tls.crt": pem, "tls-combined.pem": key + pem };
      const trusted = { "ca.crt": ca.certPem + none.certPem };
      return faults({ "pulsar-ca-tls": trusted, "pulsar-tls-broker": broker }, [], day / 12);
    };
    const [ended, valid] = [await intermediate(1), await intermediate(24)];
    assert.deepEqual(await linesOf(valid, valid.certPem), []);
    const expected = [
      [await linesOf(ended, ended.certPem), /: the certificate comes from no valid CA in ca\.crt /],
      [await linesOf(none), /: the certificate comes from no valid CA in ca\.crt /],
      [await linesOf(ca, "", ["server_auth"]), /: the certificate is not for both server and client authentication; /],
    ] as const;
    for (const [lines, pattern] of expected) {
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", pattern);
    }
  });

  test("whose ca.crt holds a private key or a broken certificate are named, without delay", () => {
    const lines = (pem: string) => faults({ "pulsar-ca-tls": { "ca.crt": ca.certPem + pem } });
    assert.deepEqual(lines(ca.privateKeyPem), [
      "Secret pulsar-ca-tls: ca.crt holds a private key, which all pods and clients could read; remove it, and replace the key",
    ]);
    const start = Date.now();
    assert.deepEqual(lines("-----BEGIN CERTIFICATE-----\nAAAA\n".repeat(30_000)), [
      "Secret pulsar-ca-tls: ca.crt has a certificate that cannot be read; replace or remove it",
    ]);
    assert.ok(Date.now() - start < 5000);
  });

  test("whose certificate has ended, or lacks a further name of the proxies, are named", () => {
    const ended = faults({}, [], 2 * day);
    assert.equal(ended.length, tlsComponents.length);
    assert.match(
      ended[0] ?? "",
      /^Secret pulsar-tls-zookeeper: the certificate has ended on \d{4}-\d\d-\d\d; renew it$/,
    );
    assert.match(
      faults({}, [], -day).join("\n"),
      /the certificate is not valid before \d{4}-\d\d-\d\d; use one that is$/m,
    );
    assert.deepEqual(faults({}, ["pulsar.example.com", "10.1.2.3"]), [
      "Secret pulsar-tls-proxy: the certificate is not for pulsar.example.com, 10.1.2.3; issue one with these names (subject alternative names)",
    ]);
  });
});
