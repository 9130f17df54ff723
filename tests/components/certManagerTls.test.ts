import assert from "node:assert/strict";
import { test } from "node:test";
import { CertManagerTls } from "../../components/certManagerTls.ts";
import { certificateNames, tlsComponents } from "../../model/tls.ts";
import { named, registerOne, valueOf } from "../support/mocks.ts";

const installation = { release: "pulsar", namespace: "messaging", clusterDomain: "cluster.local" };

async function make(generation = 1) {
  const { made: tls, registered } = await registerOne(
    () =>
      new CertManagerTls("tls", {
        namespace: "messaging",
        installation,
        hosts: ["pulsar.example.com", "10.1.2.3"],
        certManager: { issuer: "internal", kind: "ClusterIssuer" },
        generation,
        cluster: {},
      }),
  );
  return { tls, registered };
}

const spec = (registered: Awaited<ReturnType<typeof make>>["registered"], name: string) =>
  named(registered, name).inputs.spec as Record<string, unknown>;

test("each component has a Certificate of the issuer, whose Secret is that of the charts", async () => {
  const { tls, registered } = await make();
  assert.deepEqual(named(registered, "tls-broker").inputs.metadata, {
    name: "pulsar-tls-broker",
    namespace: "messaging",
  });
  assert.deepEqual(spec(registered, "tls-broker"), {
    secretName: "pulsar-tls-broker",
    commonName: "pulsar broker",
    subject: { organizations: ["messaging"], organizationalUnits: ["0:pulsar"] },
    dnsNames: certificateNames(installation, "broker", []),
    usages: ["digital signature", "key encipherment", "server auth", "client auth"],
    privateKey: { algorithm: "RSA", size: 2048, encoding: "PKCS8", rotationPolicy: "Always" },
    additionalOutputFormats: [{ type: "CombinedPEM" }],
    issuerRef: { group: "cert-manager.io", kind: "ClusterIssuer", name: "internal" },
  });
  assert.deepEqual(
    registered
      .filter(({ custom }) => custom)
      .map(({ name }) => String(spec(registered, name).secretName))
      .sort(),
    [tls.secrets.ca, ...Object.values(tls.secrets.components)].sort(),
  );
  assert.equal(tls.secrets.ca, "pulsar-ca-tls");
});

test("the proxies' certificate has their further names", async () => {
  const { registered } = await make();
  const { dnsNames, ipAddresses } = spec(registered, "tls-proxy");
  assert.deepEqual(dnsNames, certificateNames(installation, "proxy", ["pulsar.example.com"]));
  assert.deepEqual(ipAddresses, ["10.1.2.3"]);
});

test("only the first Certificate checks the cluster's kinds and Secrets, and the others wait for it", async () => {
  const { registered } = await make();
  for (const component of tlsComponents) assert.deepEqual(named(registered, `tls-${component}`).dependsOn, ["tls-ca"]);
  const hooks = registered.flatMap(({ options }) => options.beforeCreate ?? []);
  assert.deepEqual(hooks, ["check-kind-Certificate", "refuse-own-secrets"]);
});

test("a generation changes only the fingerprint", async () => {
  const [first, second] = [await make(1), await make(2)];
  assert.deepEqual(first.registered, second.registered);
  assert.notEqual(await valueOf(first.tls.fingerprint), await valueOf(second.tls.fingerprint));
});
