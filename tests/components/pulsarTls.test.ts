import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { PulsarTls, type PulsarTlsArgs } from "../../components/pulsarTls.ts";
import { organizationalUnit, tlsComponents } from "../../model/tls.ts";
import { named, type Registered, registerOne, valueOf } from "../support/mocks.ts";

const installation = { release: "pulsar", namespace: "messaging", clusterDomain: "cluster.local" };

async function make(over: Partial<PulsarTlsArgs> = {}, options: Parameters<typeof registerOne>[1] = {}) {
  const { made: tls, registered } = await registerOne(
    () =>
      new PulsarTls("tls", {
        namespace: "messaging",
        installation,
        hosts: [],
        generation: 1,
        authority: 1,
        trusted: [1],
        lifetimeDays: 365,
        authorityLifetimeDays: 3650,
        ...over,
      }),
    options,
  );
  return { tls, registered };
}

/** The content of a Secret, decoded. */
function contentOf(registered: Registered[], name: string): Record<string, string> {
  const data = named(registered, name).inputs.data as Record<string, string>;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

function certificatesOf(pem = ""): X509Certificate[] {
  return pem.split(/(?<=-----END CERTIFICATE-----\n)/).map((one) => new X509Certificate(one));
}

const onlyOf = (pem = "") => {
  const [certificate, ...more] = certificatesOf(pem);
  assert.ok(certificate && more.length === 0);
  return certificate;
};

const namesOf = (registered: Registered[]) => registered.map(({ name }) => name);

describe("PulsarTls", () => {
  test("creates the Secrets that the charts mount, with a certificate of the CA for each component", async () => {
    const { tls, registered } = await make();
    const [authority] = certificatesOf(await valueOf(tls.caCertificate));
    assert.ok(authority?.ca);
    assert.equal(authority.subject, "O=messaging\nCN=pulsar CA 1");
    assert.deepEqual(contentOf(registered, "tls-ca-secret"), { "ca.crt": await valueOf(tls.caCertificate) });
    assert.deepEqual(named(registered, "tls-ca-secret").inputs.metadata, {
      name: "pulsar-ca-tls",
      namespace: "messaging",
    });
    for (const component of tlsComponents) {
      const secret = named(registered, `tls-${component}-secret`);
      assert.deepEqual(secret.inputs.metadata, { name: `pulsar-tls-${component}`, namespace: "messaging" });
      const content = contentOf(registered, secret.name);
      const certificate = onlyOf(content["tls.crt"]);
      assert.ok(certificate.checkIssued(authority) && certificate.verify(authority.publicKey), component);
      assert.ok(certificate.checkPrivateKey(createPrivateKey(content["tls.key"] ?? "")), component);
      assert.ok(certificate.subject.includes(`OU=${organizationalUnit}`), certificate.subject);
      assert.match(content["tls.key"] ?? "", /^-----BEGIN PRIVATE KEY-----\n/);
      assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
      assert.equal(content["ca.crt"], await valueOf(tls.caCertificate));
      assert.equal(content["tls-combined.pem"], `${content["tls.key"] ?? ""}${content["tls.crt"] ?? ""}`);
    }
  });

  test("certifies the names of Services and pods, and the proxies' further names", async () => {
    const { registered } = await make({ hosts: ["pulsar.example.com", "10.1.2.3"] });
    const certificate = (component: string) => onlyOf(contentOf(registered, `tls-${component}-secret`)["tls.crt"]);
    for (const host of [
      "pulsar-broker",
      "pulsar-broker.messaging.svc",
      "pulsar-broker.messaging.svc.cluster.local",
      "pulsar-broker-2.pulsar-broker.messaging.svc.cluster.local",
      "pulsar-broker-2.pulsar-broker-headless.messaging.svc.cluster.local",
    ]) {
      assert.ok(certificate("broker").checkHost(host), host);
    }
    const proxy = certificate("proxy");
    assert.ok(proxy.checkHost("pulsar.example.com") && proxy.checkIP("10.1.2.3"));
    for (const host of ["pulsar.example.com", "pulsar-proxy.messaging.svc", "pulsar-broker.other.svc"]) {
      assert.equal(certificate("broker").checkHost(host), undefined, host);
    }
  });

  test("is valid for the given numbers of days", async () => {
    const { tls, registered } = await make({ lifetimeDays: 10, authorityLifetimeDays: 100 });
    const days = (pem = "") => {
      const { validFrom, validTo } = onlyOf(pem);
      return (Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000;
    };
    assert.equal(days(await valueOf(tls.caCertificate)), 100);
    const { "tls.crt": certificate } = contentOf(registered, "tls-broker-secret");
    assert.equal(days(certificate), 10);
    assert.deepEqual(
      tls.ends.map(({ what }) => what),
      ["the certificate of CA 1", ...tlsComponents.map((component) => `the certificate of ${component}`)],
    );
    const end = await valueOf(tls.ends[4]?.end ?? pulumi.output(""));
    assert.equal(Date.parse(end), Date.parse(onlyOf(certificate).validTo));
  });

  test("keeps keys secret, and shows certificates", async () => {
    const { tls, registered } = await make();
    const text = (value: unknown) => JSON.stringify(value);
    for (const { name, type, inputs, secretInputs } of registered) {
      const plain = Object.entries(inputs).filter(([key]) => !secretInputs.includes(key));
      assert.doesNotMatch(text(plain), /PRIVATE KEY/, name);
      if (type === "kubernetes:core/v1:Secret") assert.deepEqual(secretInputs, ["data"], name);
    }
    for (const output of [tls.caCertificate, tls.fingerprint]) assert.equal(await pulumi.isSecret(output), false);
    assert.equal(await pulumi.isSecret(tls.ends[0]?.end ?? pulumi.secret("")), false);
  });

  test("shows the keys of its Secrets in a preview, before their values are known", async () => {
    const { registered } = await make({}, { preview: true });
    const keys = (name: string) => Object.keys(named(registered, name).inputs.data as object);
    assert.deepEqual(keys("tls-ca-secret"), ["ca.crt"]);
    assert.deepEqual(keys("tls-proxy-secret"), ["ca.crt", "tls-combined.pem", "tls.crt", "tls.key"]);
  });

  test("has another fingerprint with other certificates only", async () => {
    // Real ones are new in each run.
    const fingerprint = async (over: Partial<PulsarTlsArgs>) =>
      valueOf((await make(over, { certificates: "placeholders" })).tls.fingerprint);
    const first = await fingerprint({});
    assert.equal(await fingerprint({}), first);
    assert.notEqual(await fingerprint({ generation: 2 }), first);
    assert.notEqual(await fingerprint({ trusted: [1, 2] }), first);
  });
});

describe("a rotation of the CA", () => {
  test("trusts both CAs, and each in turn signs", async () => {
    for (const authority of [1, 2]) {
      const { tls, registered } = await make({ authority, trusted: [2, 1] });
      const authorities = certificatesOf(await valueOf(tls.caCertificate));
      assert.deepEqual(
        authorities.map(({ subject }) => subject),
        ["O=messaging\nCN=pulsar CA 1", "O=messaging\nCN=pulsar CA 2"],
      );
      const certificate = onlyOf(contentOf(registered, "tls-bookie-secret")["tls.crt"]);
      assert.deepEqual(
        authorities.map((one) => certificate.checkIssued(one)),
        [authority === 1, authority === 2],
      );
    }
  });

  test("changes no name but those of the CAs", async () => {
    const names = async (over: Partial<PulsarTlsArgs>) => namesOf((await make(over)).registered);
    const [first, both, second] = [
      await names({}),
      await names({ trusted: [1, 2] }),
      await names({ authority: 2, trusted: [2] }),
    ];
    assert.deepEqual(
      both.filter((name) => !first.includes(name)),
      ["tls-ca-2-key", "tls-ca-2"],
    );
    assert.deepEqual(
      both.filter((name) => !second.includes(name)),
      ["tls-ca-1-key", "tls-ca-1"],
    );
  });
});

test("a generation has its own keys and certificates, with the same CA and Secrets", async () => {
  const names = async (generation: number) => namesOf((await make({ generation })).registered);
  const [first, second] = [await names(1), await names(2)];
  const renewed = tlsComponents.flatMap((component) =>
    ["-key", "-request", ""].map((part) => `tls-${component}${part}`),
  );
  assert.deepEqual(first.filter((name) => !second.includes(name)).sort(), renewed.sort());
  assert.deepEqual(second.filter((name) => !first.includes(name)).sort(), renewed.map((name) => `${name}-2`).sort());
});

test("protection covers the key of the CA that signs, if protect is set, but not its certificate, which must stay replaceable", async () => {
  const isProtected = async (over: Partial<PulsarTlsArgs>) =>
    (await make({ trusted: [1, 2], ...over })).registered
      .filter(({ options }) => options.protect)
      .map(({ name }) => name)
      .sort();
  assert.deepEqual(await isProtected({}), []);
  assert.deepEqual(await isProtected({ protect: true }), ["tls-ca-1-key"]);
  assert.deepEqual(await isProtected({ protect: true, authority: 2 }), ["tls-ca-2-key"]);
});
