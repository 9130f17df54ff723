import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PulsarIngress, type PulsarIngressArgs } from "../../components/pulsarIngress.ts";
import { backends } from "../../model/ingress.ts";
import { certificateNames, tlsSecrets } from "../../model/tls.ts";
import { named, registerOne } from "../support/mocks.ts";

const args: PulsarIngressArgs = {
  namespace: "messaging",
  release: "demo",
  className: "nginx",
  clusterIssuer: "letsencrypt",
  annotations: { "nginx.ingress.kubernetes.io/proxy-body-size": "1m" },
  manager: { host: "manager.example.com" },
  admin: { host: "admin.example.com", tlsSecret: "admin-cert" },
};

interface Ingress {
  metadata: { name: string; namespace: string; annotations: Record<string, string> };
  spec: {
    ingressClassName?: string;
    tls?: object[];
    rules: [{ host: string; http: { paths: { path: string; pathType: string; backend: object }[] } }];
  };
}

async function made(changes: Partial<PulsarIngressArgs> = {}) {
  const { made, registered } = await registerOne(() => new PulsarIngress("ingress", { ...args, ...changes }));
  return {
    addresses: made.addresses,
    names: registered.filter(({ custom }) => custom).map(({ name }) => name),
    of: (way: "manager" | "admin") => named(registered, `ingress-${way}`).inputs as unknown as Ingress,
  };
}

describe("PulsarIngress", () => {
  test("routes only the allowed paths of each host to its Service", async () => {
    const { of } = await made();
    const services = {
      manager: { name: "demo-pulsar-pulsar-manager", port: { number: 9527 } },
      admin: { name: "demo-pulsar-proxy", port: { number: 80 } },
    };
    for (const way of ["manager", "admin"] as const) {
      const { metadata, spec } = of(way);
      assert.deepEqual([metadata.name, metadata.namespace], [`demo-pulsar-${way}`, "messaging"]);
      assert.equal(spec.ingressClassName, "nginx");
      assert.equal(spec.rules.length, 1);
      assert.equal(spec.rules[0].host, args[way]?.host);
      const backend = { service: services[way] };
      assert.deepEqual(
        spec.rules[0].http.paths,
        backends[way].paths.map((path) => ({ ...path, backend })),
      );
    }
  });

  test("has TLS from the given Secret, or from one that cert-manager fills", async () => {
    const { of, addresses } = await made();
    assert.deepEqual(of("manager").spec.tls, [
      { hosts: ["manager.example.com"], secretName: "demo-pulsar-manager-tls" },
    ]);
    assert.deepEqual(of("admin").spec.tls, [{ hosts: ["admin.example.com"], secretName: "admin-cert" }]);
    assert.deepEqual(addresses, { manager: "https://manager.example.com", admin: "https://admin.example.com" });
  });

  test("has no TLS without either, and an http address", async () => {
    const { of, addresses } = await made({ clusterIssuer: undefined });
    assert.equal(of("manager").spec.tls, undefined);
    assert.deepEqual(addresses, { manager: "http://manager.example.com", admin: "https://admin.example.com" });
  });

  test("has the annotations for the controller, cert-manager and Pulumi, which does not wait for an address", async () => {
    const annotations = async (changes: Partial<PulsarIngressArgs>) =>
      (await made(changes)).of("admin").metadata.annotations;
    const always = { "nginx.ingress.kubernetes.io/proxy-body-size": "1m", "pulumi.com/skipAwait": "true" };
    assert.deepEqual(await annotations({}), { ...always, "cert-manager.io/cluster-issuer": "letsencrypt" });
    assert.deepEqual(await annotations({ clusterIssuer: undefined, issuer: "ca" }), {
      ...always,
      "cert-manager.io/issuer": "ca",
    });
    assert.deepEqual(await annotations({ clusterIssuer: undefined }), always);
  });

  test("with TLS in the cluster, verifies the proxies' certificate, and connects to the manager as before", async () => {
    const secrets = tlsSecrets("demo");
    const { of } = await made({ tls: secrets, annotations: {} });
    const key = (name: string) => `nginx.ingress.kubernetes.io/${name}`;
    const seen = (way: "manager" | "admin") => {
      const { metadata, spec } = of(way);
      const { backend } = spec.rules[0].http.paths[0] as { backend: { service: { port: { number: number } } } };
      const nginx = Object.entries(metadata.annotations).filter(([name]) => name.startsWith(key("")));
      return [backend.service.port.number, Object.fromEntries(nginx)];
    };
    const name = "demo-pulsar-proxy.messaging.svc";
    assert.deepEqual(seen("manager"), [9527, {}]);
    assert.deepEqual(seen("admin"), [
      443,
      {
        [key("backend-protocol")]: "HTTPS",
        [key("proxy-ssl-secret")]: `messaging/${secrets.ca}`,
        [key("proxy-ssl-verify")]: "on",
        [key("proxy-ssl-name")]: name,
      },
    ]);
    const installation = { release: "demo", namespace: "messaging", clusterDomain: "cluster.local" };
    assert.ok(certificateNames(installation, "proxy", []).includes(name));
    const own = await made({ tls: secrets, annotations: { [key("backend-protocol")]: "GRPCS" } });
    assert.equal(own.of("admin").metadata.annotations[key("backend-protocol")], "GRPCS");
  });

  test("creates an Ingress only for a configured host", async () => {
    const { names, addresses } = await made({ admin: undefined });
    assert.deepEqual(names, ["ingress-manager"]);
    assert.deepEqual(addresses, { manager: "https://manager.example.com" });
  });
});
