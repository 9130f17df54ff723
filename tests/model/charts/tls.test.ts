/** What TLS changes in the values and the manifests of both chart lines. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { isObject, type Values } from "../../../model/charts/cluster.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { trustManagerCa } from "../../../model/charts/managerTls.ts";
import type { Manifest, PodSpec } from "../../../model/charts/manifest.ts";
import { patch as patch27 } from "../../../model/charts/line27/patches.ts";
import { patch as patch4 } from "../../../model/charts/line4/patches.ts";
import { organizationalUnit, tlsSecrets } from "../../../model/tls.ts";
import { cluster, encrypted, everything, valueAt } from "./support.ts";

/** What `values` has and `base` does not, or has otherwise. */
function different(values: Values, base: Values): Values {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      const below = base[key];
      if (isDeepStrictEqual(value, below)) return [];
      const both = isObject(value) && isObject(below);
      return [[key, both ? different(value, below) : value]];
    }),
  );
}

for (const version of supportedChartVersions) {
  describe(`values of chart ${version} with TLS`, () => {
    const values = chartLine(version).values(encrypted);
    const at = (path: string) => valueAt(path, values);

    /** Shows a reviewer the whole effect of TLS on the values. After a wanted change: `UPDATE_GOLDEN=1 npm run unit`. */
    test("differ from those without as the golden file says", () => {
      const file = new URL(`../../golden/tls-values-${version}.json`, import.meta.url);
      const actual = `${JSON.stringify(different(values, chartLine(version).values(everything)), null, 2)}\n`;
      if (process.env["UPDATE_GOLDEN"]) writeFileSync(file, actual);
      assert.equal(actual, readFileSync(file, "utf8"));
    });

    test("switch it on for every component", () => {
      for (const key of ["tls", "tls.zookeeper", "tls.bookie", "tls.broker", "tls.proxy"]) {
        assert.equal(at(`${key}.enabled`), true, key);
      }
    });

    test("leave no component with a port in plain text for data", () => {
      assert.equal(at("zookeeper.configData.PULSAR_PREFIX_clientPortAddress"), "127.0.0.1");
      assert.equal(at("broker.configData.PULSAR_PREFIX_brokerServicePort"), "");
      assert.equal(at("proxy.configData.PULSAR_PREFIX_servicePort"), "");
    });

    test("make the brokers use TLS among themselves", () => {
      assert.equal(at("broker.configData.PULSAR_PREFIX_brokerClientTlsEnabled"), "true");
      assert.equal(at("broker.configData.PULSAR_PREFIX_brokerClientTrustCertsFilePath"), "/pulsar/certs/ca/ca.crt");
    });

    test("make the bookies refuse clients without a component's certificate", () => {
      assert.equal(at("bookkeeper.configData.PULSAR_PREFIX_tlsClientAuthentication"), "true");
      assert.match(
        String(at("bookkeeper.configData.PULSAR_PREFIX_bookieAuthProviderFactoryClass")),
        /BookieAuthZFactory$/,
      );
      assert.equal(organizationalUnit, `0:${String(at("bookkeeper.configData.PULSAR_PREFIX_authorizedRoles"))}`);
    });

    test("check host names everywhere", () => {
      const checks = [
        "broker.configData.PULSAR_PREFIX_tlsHostnameVerificationEnabled",
        "broker.configData.PULSAR_PREFIX_bookkeeper_tlsHostnameVerificationEnabled",
        "proxy.configData.PULSAR_PREFIX_tlsHostnameVerificationEnabled",
        "autorecovery.configData.PULSAR_PREFIX_tlsHostnameVerificationEnabled",
        "toolset.configData.PULSAR_PREFIX_tlsHostnameVerificationEnabled",
        "toolset.configData.tlsEnableHostnameVerification",
        "pulsar_manager.configData.BACKEND_BROKER_PULSARADMIN_TLSENABLEHOSTNAMEVERIFICATION",
      ];
      for (const path of checks) assert.equal(at(path), "true", path);
    });

    test("without it, mention no certificate", () => {
      assert.doesNotMatch(JSON.stringify(chartLine(version).values({ ...everything, tls: undefined })), /tls|certs/i);
    });
  });
}

test("values of chart 4.7.0 with TLS name an issuer, and use ZooKeeper's port with TLS for the racks", () => {
  const values = chartLine("4.7.0").values(encrypted);
  assert.deepEqual(valueAt("certs.issuers.ca", values), { name: "pulsar-ca-tls", secretName: "pulsar-ca-tls" });
  assert.equal(valueAt("tls.function_instance.enabled", values), true);
  assert.equal(valueAt("autorecovery.configData.zkServers", values), "pulsar-zookeeper:2281");
  assert.equal(valueAt("proxy.waitZookeeperTimeout", values), 0);
  assert.equal(valueAt("proxy.waitZookeeperTimeout", chartLine("4.7.0").values(cluster)), undefined);
});

const labels = (component: string) => ({ release: "pulsar", heritage: "Helm", component });
const workload = (component: string, pod: PodSpec = { containers: [{}] }): Manifest => ({
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: component, labels: labels(component) },
  spec: { template: { spec: pod } },
});
const broker = () =>
  workload("broker", { containers: [{}], volumes: [{ name: "ca", secret: { secretName: "pulsar-ca-tls" } }] });
const brokerConfig = (data: Record<string, string>): Manifest => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "broker", labels: labels("broker") },
  data,
});
const service = (component: string, ports: string[]): Manifest => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: component, labels: labels(component) },
  spec: { ports: ports.map((name) => ({ name })) },
});
const certificate = (apiVersion: string, own: boolean): Manifest => ({
  apiVersion,
  kind: "Certificate",
  metadata: { name: "certificate", ...(own ? { labels: labels("x") } : {}) },
});

for (const [line, patch] of Object.entries({ "2.7": patch27, "4": patch4 })) {
  describe(`the post-renderer of chart line ${line} with TLS`, () => {
    const patched = (tls: boolean, ...objects: Manifest[]) => {
      const all = [brokerConfig(tls ? { brokerServicePortTls: "6651" } : {}), broker(), ...objects];
      patch(all);
      return all.slice(2);
    };
    const portsOf = (object: Manifest | undefined) =>
      ((object?.spec?.ports ?? []) as { name: string }[]).map(({ name }) => name);

    test("removes the chart's certificates, and no others", () => {
      const chart = certificate("cert-manager.io/v1", true);
      const own = certificate("cert-manager.io/v1", false);
      assert.deepEqual(patched(true, chart, own, certificate("cert-manager.io/v1alpha2", false)), [own]);
    });

    test("removes the ports in plain text from Services, except for the manager's page", () => {
      const services = [
        service("broker", ["http", "pulsar", "https", "pulsarssl"]),
        service("zookeeper", ["http", "follower", "client", "client-tls"]),
        service("proxy", ["tcp-pulsar", "tls-pulsarssl"]),
        service("recovery", ["http"]),
        service("pulsar-manager", ["http"]),
      ];
      assert.deepEqual(patched(true, ...services).map(portsOf), [
        ["https", "pulsarssl"],
        ["follower", "client-tls"],
        ["tls-pulsarssl"],
        [],
        ["http"],
      ]);
    });

    test("gives the manager a trust store", () => {
      const [manager] = patched(true, workload("pulsar-manager", { containers: [{ image: "manager:1" }] }));
      const { initContainers = [], volumes, containers = [] } = manager?.spec?.template?.spec ?? {};
      assert.partialDeepStrictEqual(initContainers, [{ image: "manager:1" }]);
      assert.partialDeepStrictEqual(volumes, [{ secret: { secretName: tlsSecrets("pulsar").ca } }]);
      assert.equal(containers[0]?.volumeMounts?.length, 2);
    });

    test("changes nothing of this in a release without TLS", () => {
      const plain = service("broker", ["http", "pulsar"]);
      assert.deepEqual(patched(false, plain).map(portsOf), [["http", "pulsar"]]);
      const [manager] = patched(false, workload("pulsar-manager"));
      assert.equal(manager?.spec?.template?.spec?.initContainers, undefined);
    });
  });
}

test("the proxies of line 2.7 do not wait for ZooKeeper with TLS", () => {
  const waits = [{ name: "wait-zookeeper-ready" }, { name: "wait-broker-ready" }];
  const objects = [
    brokerConfig({ brokerServicePortTls: "6651" }),
    broker(),
    workload("proxy", { initContainers: waits, containers: [{}] }),
  ];
  patch27(objects);
  assert.deepEqual(objects[2]?.spec?.template?.spec?.initContainers, [{ name: "wait-broker-ready" }]);
});

describe("trust stores have every certificate of the CA file", () => {
  const file = "notes\n" + ["one", "two"].map((name) => `-----BEGIN CERTIFICATE-----\n${name}\n`).join("");

  /** Runs a script whose folder is moved, with a `keytool` that only writes down what it imports. */
  function imported(t: TestContext, script: string, folder: string): string[] {
    const place = mkdtempSync(join(tmpdir(), "trust-"));
    t.after(() => {
      rmSync(place, { recursive: true });
    });
    for (const name of ["ca", "certs/ca", "trust"]) mkdirSync(join(place, name), { recursive: true });
    for (const name of ["ca", "certs/ca"]) writeFileSync(join(place, name, "ca.crt"), file);
    const tool = '#!/bin/sh\nwhile [ "$1" != -file ]; do shift; done\ntail -n 1 "$2" >> "$LOG"\n';
    writeFileSync(join(place, "keytool"), tool);
    chmodSync(join(place, "keytool"), 0o755);
    const log = join(place, "log");
    const env = { ...process.env, PATH: `${place}:${process.env["PATH"] ?? ""}`, LOG: log };
    const { status, stderr } = spawnSync("bash", ["-c", script.replaceAll(folder, place)], { env, encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
    return readFileSync(log, "utf8").trim().split("\n");
  }

  test("the manager's", (t) => {
    const manager = workload("pulsar-manager");
    trustManagerCa([broker(), manager]);
    const [init] = (manager.spec?.template?.spec?.initContainers ?? []) as { args: [string] }[];
    assert.deepEqual(imported(t, init?.args[0] ?? "", "/pulsar-manager"), ["one", "two"]);
  });

  const keytool = (script: string): Manifest => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "keytool" },
    data: { "keytool.sh": script },
  });
  const patched = (script: string) => {
    const objects = [keytool(script), brokerConfig({ brokerServicePortTls: "6651" }), broker()];
    patch27(objects);
    return objects[0]?.data?.["keytool.sh"] as string;
  };

  test("ZooKeeper's in line 2.7", (t) => {
    const script =
      "name=x\ncaFile=/pulsar/certs/ca/ca.crt\nkeytool -import \\\n    -file ${caFile} \\\n    -alias ${name} \\\n    -noprompt\necho end > /dev/null\n";
    assert.deepEqual(imported(t, patched(script), "/pulsar"), ["one", "two"]);
  });

  test("an unknown script of the chart is an error", () => {
    assert.throws(() => patched("openssl\n"), /keytool.sh does not import the CA as that of chart 2.7.7/);
  });
});
