import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import {
  type Flow,
  flowsOf,
  type ExternalPeer,
  type OwnComponent,
  componentsOf,
} from "../../../model/network/flows.ts";
import { allBut, policiesOf, type NetworkAccess } from "../../../model/network/policies.ts";
import { allowed, type End, type Policy, selects } from "../../support/networkPolicies.ts";

const release = "demo";
const namespace = "messaging";

/** Every setting that allows access is set. */
const named: NetworkAccess = {
  clients: [{ namespace: "shop" }, { cidr: "10.20.0.0/16" }],
  ingressController: "ingress-nginx",
  monitoring: "monitoring",
  functions: true,
  databasePort: 5432,
};
/** A stack without network settings. */
const unnamed: NetworkAccess = { functions: false, databasePort: 5432 };

const own = (component: string, of = release): End => ({
  namespace,
  labels: { app: "pulsar", release: of, component },
});
const anyPod = (namespace: string): End => ({ namespace, labels: { app: "anything" } });
const stranger = anyPod(namespace);
const elsewhere = anyPod("elsewhere");
const database: End = { ip: "192.0.2.5" };

const outside: Record<ExternalPeer, End[]> = {
  functions: ["function", "source", "sink"].map((component) => ({
    namespace,
    labels: { component, tenant: "public", namespace: "default", name: "f" },
  })),
  clients: [anyPod("shop"), { ip: "10.20.3.4" }],
  "ingress controller": [anyPod("ingress-nginx")],
  monitoring: [anyPod("monitoring")],
  "cluster DNS": [{ namespace: "kube-system", labels: { "k8s-app": "kube-dns" } }, { ip: "169.254.20.10" }],
  "manager's database": [database, anyPod("databases")],
  elsewhere: [{ ip: "198.51.100.7" }],
};
const endsOf = (who: OwnComponent | ExternalPeer): End[] =>
  who in outside ? outside[who as ExternalPeer] : [own(who)];

const variants = supportedChartVersions.flatMap((version) => [false, true].map((tls) => ({ version, tls })));
for (const { version, tls } of variants) {
  const line = chartLine(version);
  const flows = flowsOf(line, tls);
  const policiesFor = (access: NetworkAccess): Policy[] =>
    [...policiesOf(release, componentsOf(line), flows, access).values()].map((spec) => ({
      metadata: { namespace },
      spec,
    }));
  const policies = policiesFor(named);
  const withoutSettings = policiesFor(unnamed);
  const zookeeper = tls ? 2281 : 2181;
  const binary = tls ? 6651 : 6650;
  const brokers = [binary, tls ? 8443 : 8080];
  const proxyAdmin = (tls ? { "2.7.7": 443, "4.7.0": 8443 } : { "2.7.7": 80, "4.7.0": 8080 })[version];

  describe(`network policies with chart ${version}${tls ? " and TLS" : ""}`, () => {
    test("allow every flow of the table", () => {
      for (const flow of flows) {
        for (const [port, protocol] of connectionsOf(flow)) {
          for (const from of flow.from.flatMap(endsOf)) {
            for (const to of endsOf(flow.to)) {
              const title = `${JSON.stringify(from)} to ${JSON.stringify(to)} ${protocol} ${port}`;
              assert.ok(allowed(policies, from, to, port, protocol), title);
            }
          }
        }
      }
    });

    test("allow nothing else between the stack's own pods", () => {
      const ports = [...new Set([...flows.flatMap(({ ports }) => (typeof ports === "string" ? [] : ports)), 22, 5432])];
      for (const from of componentsOf(line)) {
        for (const to of componentsOf(line)) {
          for (const port of ports) {
            const expected = flows.some(
              (flow) => flow.from.includes(from) && flow.to === to && flow.ports.includes(port as never),
            );
            const title = `${from} to ${to} ${port}`;
            // Policies cannot restrict port 53 to DNS. No pod that listens on it is allowed.
            assert.equal(allowed(policies, own(from), own(to), port), expected, title);
          }
        }
      }
    });

    const managerJob = line.manager.setUpBy === "stack" ? "manager-setup" : "pulsar-manager-init";
    const denied: [title: string, from: End, to: End, ports: number[]][] = [
      ...[stranger, elsewhere, anyPod("shop"), anyPod("ingress-nginx"), { ip: "10.20.3.4" }].flatMap(
        (who): [string, End, End, number[]][] => [
          [`${name(who)} to ZooKeeper`, who, own("zookeeper"), [zookeeper, 2888, 3888, 8000]],
          [`${name(who)} to a bookie`, who, own("bookie"), [3181, 8000]],
          [`${name(who)} to a broker`, who, own("broker"), brokers],
          [`${name(who)} to the recovery`, who, own("recovery"), [8000]],
          [`${name(who)} to the toolset`, who, own("toolset"), [22, 8080]],
          [`${name(who)} to the manager's back end`, who, own("pulsar-manager"), [7750]],
        ],
      ),
      ["a stranger to the manager's page", stranger, own("pulsar-manager"), [9527]],
      ["somebody elsewhere to the manager's page", elsewhere, own("pulsar-manager"), [9527]],
      ["a client to the manager's page", anyPod("shop"), own("pulsar-manager"), [9527]],
      ["a stranger to a proxy", stranger, own("proxy"), [binary, proxyAdmin]],
      ["somebody elsewhere to a proxy", elsewhere, own("proxy"), [binary, proxyAdmin]],
      ["an address out of the clients' range to a proxy", { ip: "10.21.0.1" }, own("proxy"), [binary, proxyAdmin]],
      ["the ingress controller to a proxy's binary port", anyPod("ingress-nginx"), own("proxy"), [binary]],
      ["Prometheus to what is no metrics port", anyPod("monitoring"), own("zookeeper"), [zookeeper, 2888, 3888]],
      ["Prometheus to what is no metrics port", anyPod("monitoring"), own("bookie"), [3181]],
      ["Prometheus to what is no metrics port", anyPod("monitoring"), own("broker"), [binary]],
      ["Prometheus to what is no metrics port", anyPod("monitoring"), own("proxy"), [binary]],
      ["Prometheus to the manager", anyPod("monitoring"), own("pulsar-manager"), [9527, 7750]],
      ...["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset", "bookie-init", "pulsar-init"].flatMap(
        (component): [string, End, End, number[]][] => [
          [`${component} to the database`, own(component), database, [5432]],
          [`${component} to a database in the cluster`, own(component), anyPod("databases"), [5432]],
        ],
      ),
      ...["bookie-racks", managerJob, "smoke-test", "directories"].map((task): [string, End, End, number[]] => [
        `${task} to the database`,
        own(task),
        database,
        [5432],
      ]),
      ["a bookie to another bookie", own("bookie"), own("bookie"), [3181, 8000]],
      ["a bookie to a broker", own("bookie"), own("broker"), brokers],
      ["a proxy to a bookie", own("proxy"), own("bookie"), [3181, 8000]],
      ["a proxy to the internet", own("proxy"), { ip: "198.51.100.7" }, [80, 443]],
      ["a bookie to the internet", own("bookie"), { ip: "198.51.100.7" }, [80, 443]],
      ["ZooKeeper to a bookie", own("zookeeper"), own("bookie"), [3181]],
      ["the manager to ZooKeeper", own("pulsar-manager"), own("zookeeper"), [zookeeper]],
      ["the manager to a broker's binary port", own("pulsar-manager"), own("broker"), [binary]],
      ["the toolset to the manager", own("toolset"), own("pulsar-manager"), [9527, 7750]],
      ["the toolset to the internet", own("toolset"), { ip: "198.51.100.7" }, [443]],
      ["a broker to the manager", own("broker"), own("pulsar-manager"), [9527, 7750]],
      ["a broker to ZooKeeper's peers' ports", own("broker"), own("zookeeper"), [2888, 3888]],
      ["the Job that makes directories to DNS", own("directories"), { ip: "169.254.20.10" }, [53]],
      ["another release's broker to a bookie", own("broker", "other"), own("bookie"), [3181]],
      ["another release's proxy to a broker", own("proxy", "other"), own("broker"), brokers],
      ["another release's toolset to ZooKeeper", own("toolset", "other"), own("zookeeper"), [zookeeper]],
      ["a proxy to another release's bookie", own("proxy"), own("bookie", "other"), [3181]],
      [
        "a pod elsewhere that has a broker's labels to a bookie",
        { namespace: "elsewhere", labels: { app: "pulsar", release, component: "broker" } },
        own("bookie"),
        [3181],
      ],
      [
        "a function elsewhere to a broker",
        { namespace: "elsewhere", labels: { component: "function" } },
        own("broker"),
        brokers,
      ],
    ];
    for (const [title, from, to, ports] of denied) {
      test(`block ${title}: ${ports.join(", ")}`, () => {
        for (const port of ports) assert.equal(allowed(policies, from, to, port), false, String(port));
      });
    }

    test("use the port of the proxies' pods, not of their Service", () => {
      assert.ok(allowed(policies, anyPod("shop"), own("proxy"), proxyAdmin));
      for (const port of [80, 443, 8080, 8443]) {
        if (port !== proxyAdmin) assert.ok(!allowed(policies, anyPod("shop"), own("proxy"), port), String(port));
      }
    });

    test("with TLS, allow only Prometheus to connect to a port in plain text", { skip: !tls }, () => {
      const proxyHttp = line.pods.proxyHttp.port;
      for (const component of componentsOf(line)) {
        for (const [to, port] of Object.entries({ zookeeper: 2181, broker: 8080, proxy: proxyHttp })) {
          assert.ok(!allowed(policies, own(component), own(to), port), `${component} to ${to}`);
        }
        for (const to of ["broker", "proxy"]) assert.ok(!allowed(policies, own(component), own(to), 6650));
      }
      assert.ok(allowed(policies, anyPod("monitoring"), own("broker"), 8080));
    });

    test("allow functions to connect to the brokers only, if functions are enabled", () => {
      const [pod] = outside.functions;
      assert.ok(pod);
      for (const port of brokers) {
        assert.ok(allowed(policies, pod, own("broker"), port));
        assert.ok(!allowed(policiesFor({ ...named, functions: false }), pod, own("broker"), port));
      }
      for (const component of ["bookie", "zookeeper", "pulsar-manager"]) {
        for (const port of [3181, zookeeper, 9527]) assert.ok(!allowed(policies, pod, own(component), port));
      }
    });

    test("by default, allow everyone to connect to the proxies, and no other pods to anything else", () => {
      for (const who of [stranger, elsewhere, { ip: "198.51.100.7" }, anyPod("monitoring"), anyPod("ingress-nginx")]) {
        for (const port of [binary, proxyAdmin]) assert.ok(allowed(withoutSettings, who, own("proxy"), port));
        for (const [component, port] of [
          ["pulsar-manager", 9527],
          ["zookeeper", 8000],
          ["bookie", 8000],
          ["broker", 8080],
        ] as const) {
          assert.ok(!allowed(withoutSettings, who, own(component), port), component);
        }
      }
    });

    test("allow only the manager to connect to another port of the database", () => {
      const other = policiesFor({ ...named, databasePort: 6432 });
      assert.ok(allowed(other, own("pulsar-manager"), database, 6432));
      assert.ok(!allowed(other, own("pulsar-manager"), database, 5432));
      assert.ok(!allowed(other, own("broker"), database, 6432));
      assert.ok(allowed(other, own("broker"), database, 5432));
    });

    test("do not select pods outside the stack", () => {
      for (const to of [stranger, elsewhere, own("bookie", "other"), { ip: "198.51.100.7" }]) {
        assert.ok(allowed(policies, stranger, to, 3181));
        assert.ok(allowed(policies, to, stranger, 3181));
      }
    });

    test("select each pod of the stack exactly once, and none of another release", () => {
      const names = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/);
      fc.assert(
        fc.property(names, names, fc.constantFrom(...componentsOf(line)), (one, another, component) => {
          const made = [...policiesOf(one, componentsOf(line), flows, named).values()];
          const count = (release: string) =>
            made.filter((spec) => selects({ metadata: { namespace }, spec }, own(component, release))).length;
          assert.equal(count(one), 1);
          assert.equal(count(another), one === another ? 1 : 0);
        }),
      );
    });
  });
}

test("all ports except one are the remaining valid ranges", () => {
  const ports = fc.integer({ min: 1, max: 65535 });
  fc.assert(
    fc.property(ports, ports, (taken, asked) => {
      const ranges = allBut(taken);
      for (const { port, endPort = port } of ranges) assert.ok(1 <= port && port <= endPort && endPort <= 65535);
      assert.equal(
        ranges.some(({ port, endPort = port }) => port <= asked && asked <= endPort),
        asked !== taken,
      );
    }),
  );
  assert.equal(allBut(1).length, 1);
  assert.equal(allBut(65535).length, 1);
});

/** One connection for each kind of flow. */
function connectionsOf({ to, ports }: Flow): [port: number, protocol: string][] {
  if (ports === "the database's") return [[5432, "TCP"]];
  if (ports === "all but the database's") return [1, 443, 5431, 5433, 65535].map((port) => [port, "TCP"]);
  const protocols = to === "cluster DNS" ? ["TCP", "UDP"] : ["TCP"];
  return protocols.flatMap((protocol) => ports.map((port): [number, string] => [port, protocol]));
}

function name(end: End): string {
  return "ip" in end ? end.ip : `a pod of namespace ${end.namespace}`;
}
