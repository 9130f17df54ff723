/** Renders the charts of the rehearsal with TLS, and compares every object with what TLS promises. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { type Manifest, parseManifest } from "../../../model/charts/manifest.ts";
import { componentsOf, flowsOf } from "../../../model/network/flows.ts";
import { tlsSecrets } from "../../../model/tls.ts";
import { standIns } from "../../rehearsal/standins/chartRender.ts";
import { clusterOf } from "./clusterOf.ts";

const program = join(import.meta.dirname, "../../..");
const secrets = tlsSecrets("pulsar");
/** The ports of Services with TLS. A bookie's connections start in plain text (STARTTLS); no chart encrypts the ZooKeepers' among themselves. */
const allowedPorts = new Set([3181, 2888, 3888, 2281, 6651, 8443, 443]);

for (const version of supportedChartVersions) {
  describe(`chart ${version} with TLS`, () => {
    const line = chartLine(version);
    let objects: Manifest[];
    let raw: Manifest[];
    const component = ({ metadata, spec }: Manifest) =>
      spec?.template?.metadata?.labels?.component ?? metadata.labels?.component ?? "";
    const workloads = () => objects.filter(({ spec }) => spec?.template !== undefined);

    before(async () => {
      const values = line.values({ ...clusterOf(version), tls: secrets });
      const { template } = standIns[version];
      raw = parseManifest(await template(values, "pulsar", "pulsar"));
      const patched = ["--post-renderer", join(program, line.postrender)];
      objects = parseManifest(await template(values, "pulsar", "pulsar", patched));
    });

    test("needs no cert-manager", () => {
      const certificates = (all: Manifest[]) =>
        all.filter(({ apiVersion }) => apiVersion.startsWith("cert-manager.io"));
      assert.deepEqual(certificates(objects), []);
      assert.equal(certificates(raw).length, version === "4.7.0" ? 6 : 0);
    });

    test("has Services with encrypted ports only, except for the manager's page", () => {
      for (const service of objects.filter(({ kind }) => kind === "Service")) {
        if (component(service) === "pulsar-manager") continue;
        for (const { port } of (service.spec?.ports ?? []) as { port: number }[]) {
          assert.ok(allowedPorts.has(port), `${service.metadata.name}: ${port}`);
        }
      }
    });

    test("mounts its certificate and the CAs in each container of Pulsar that connects", () => {
      const certificateOf: Record<string, string> = {
        ...secrets.components,
        "bookie-init": secrets.components.toolset,
        "pulsar-init": secrets.components.toolset,
      };
      for (const workload of workloads()) {
        const own = certificateOf[component(workload)];
        const { containers = [], volumes } = workload.spec?.template?.spec ?? {};
        const mounted = new Map(
          ((volumes ?? []) as { name: string; secret?: { secretName: string } }[]).map(({ name, secret }) => [
            name,
            secret?.secretName,
          ]),
        );
        const names = ((containers[0]?.volumeMounts ?? []) as { name: string }[]).map(({ name }) => mounted.get(name));
        if (component(workload) === "pulsar-manager-init") continue;
        assert.ok(names.includes(secrets.ca), `${workload.metadata.name} does not trust the CA`);
        if (own !== undefined) assert.ok(names.includes(own), `${workload.metadata.name} lacks ${own}`);
      }
    });

    test("has only encrypted addresses in ConfigMaps, and ZooKeeper's port with TLS", () => {
      for (const { metadata, data = {} } of objects.filter(({ kind }) => kind === "ConfigMap")) {
        for (const [key, value] of Object.entries(data)) {
          // The manager's own page.
          if (key === "REDIRECT_HOST") continue;
          assert.doesNotMatch(String(value), /http:\/\/|pulsar:\/\/|:2181/, `${metadata.name} ${key}`);
        }
      }
    });

    test("listens on the ports of the network flows", () => {
      const components = new Set<string>(componentsOf(line));
      const declared = new Map<string, number[]>();
      for (const workload of workloads()) {
        const containers = (workload.spec?.template?.spec?.containers ?? []) as {
          ports?: { containerPort: number }[];
        }[];
        declared.set(
          component(workload),
          containers.flatMap(({ ports }) => ports ?? []).map((one) => one.containerPort),
        );
      }
      for (const { to, ports } of flowsOf(line, true)) {
        if (!components.has(to) || typeof ports === "string" || to === "pulsar-manager") continue;
        for (const port of ports) assert.ok(declared.get(to)?.includes(port), `${to} does not listen on ${port}`);
      }
    });
  });
}
