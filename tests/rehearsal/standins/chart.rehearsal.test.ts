/** Facts about chart 2.7.7 that the stand-in shares with the original. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { V1Job, V1Service } from "@kubernetes/client-node";
import { parse } from "yaml";
import {
  antiAffinity,
  byWorkload,
  claimNames,
  data,
  forEach,
  mountedSecrets,
  podSpec,
  storageClasses,
} from "./chartFacts.ts";
import { chart27, type Rendered, type Values } from "./chartRender.ts";

const { folder: chart, template: helmTemplate, render } = chart27;

const jwt: Values = { auth: { authentication: { enabled: true }, authorization: { enabled: true } } };
const localStorage: Values = { volumes: { local_storage: true } };
const toleration = { key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" };
const nodeSelector = { "node-role.kubernetes.io/pulsar": "pulsar" };
const componentKeys = ["zookeeper", "bookkeeper", "autorecovery", "broker", "proxy", "toolset", "pulsar_manager"];
const initJobs = ["pulsar-bookie-init", "pulsar-pulsar-init"];

const isNoLoadBalancer = ({ spec }: V1Service): boolean => spec?.type !== "LoadBalancer";

describe("the chart itself", () => {
  test("is chart pulsar 2.7.7 for Helm, and identifies itself as a stand-in", async () => {
    const about = parse(await readFile(join(chart, "Chart.yaml"), "utf8")) as Record<string, string>;
    assert.deepEqual(
      [about["apiVersion"], about["name"], about["version"], about["appVersion"]],
      ["v1", "pulsar", "2.7.7", "2.7.4"],
    );
    assert.match(about["description"] ?? "", /stand-in for rehearsals, not the chart of the Apache Pulsar project/);
  });

  test("has no schema: an unknown key changes nothing", async () => {
    const unknown = { nonsense: 1, zookeeper: { toleration: [] } };
    assert.equal(
      await helmTemplate({ monitoring: { prometheus: false, grafana: false }, ...unknown }, "pulsar", "pulsar"),
      await helmTemplate({ monitoring: { prometheus: false, grafana: false } }, "pulsar", "pulsar"),
    );
  });

  const lacking: Record<string, Values> = {
    "monitoring.grafana": { monitoring: { prometheus: false, grafana: true } },
    "rbac.psp": { rbac: { enabled: true, psp: true } },
    "broker.podMonitor.enabled": { broker: { podMonitor: { enabled: true } } },
    "extra.dashboard": { extra: { dashboard: true } },
  };
  for (const [keys, values] of Object.entries(lacking)) {
    test(`refuses ${keys}, which the stand-in lacks`, async () => {
      await assert.rejects(render(values), (fault: Error) => {
        assert.match(fault.message, new RegExp(`stand-in for rehearsals .* switch off ${keys}\n`));
        return true;
      });
    });
  }

  test("refuses TLS of some components only, which the stand-in lacks", async () => {
    await assert.rejects(
      render({ tls: { enabled: true, broker: { enabled: true } } }),
      /stand-in for rehearsals .* tls.zookeeper.enabled differs from tls.enabled/,
    );
  });

  test("has monitoring enabled by default, like the original, so the values must disable it", async () => {
    await assert.rejects(helmTemplate({}, "pulsar", "pulsar"), /switch off monitoring.grafana, monitoring.prometheus/);
  });
});

describe("names", () => {
  const perKind = {
    StatefulSet: ["bookie", "broker", "proxy", "recovery", "toolset", "zookeeper"],
    Deployment: ["pulsar-manager"],
    Job: ["bookie-init", "pulsar-init"],
    Service: ["bookie", "broker", "proxy", "pulsar-manager", "recovery", "toolset", "zookeeper"],
    ConfigMap: [
      "bookie",
      "broker",
      "functions-worker-config",
      "proxy",
      "pulsar-manager",
      "recovery",
      "toolset",
      "zookeeper",
    ],
    PodDisruptionBudget: ["bookie", "broker", "proxy", "zookeeper"],
    Secret: ["pulsar-manager-secret"],
    ServiceAccount: ["broker-acct", "functions-worker"],
    ClusterRole: ["broker-clusterrole", "functions-worker"],
    ClusterRoleBinding: ["broker-clusterrolebinding", "functions-worker"],
  } as const;

  const fullNames = { pulsar: "pulsar", foo: "foo-pulsar", "my-pulsar": "my-pulsar" };
  for (const [release, full] of Object.entries(fullNames)) {
    test(`release ${release}: objects are called ${full}-...`, async () => {
      const rendered = await render({ initialize: true }, release);
      assert.deepEqual(rendered.kinds, Object.keys(perKind).sort());
      for (const [kind, names] of Object.entries(perKind)) {
        assert.deepEqual(
          rendered.names(kind as keyof typeof perKind),
          names.map((name) => `${full}-${name}`),
        );
      }
    });
  }

  test("Secrets with keys and tokens carry the release's name alone", async () => {
    const rendered = await render(jwt, "foo");
    assert.deepEqual(mountedSecrets(podSpec(rendered.one("StatefulSet", "foo-pulsar-broker"))), [
      "foo-token-asymmetric-key PUBLICKEY /pulsar/keys/token/public.key",
      "foo-token-broker-admin TOKEN /pulsar/tokens/broker/token",
    ]);
  });

  test("`namespace` moves the objects, and `clusterName` names the cluster", async () => {
    const rendered = await render({ namespace: "elsewhere", clusterName: "main" });
    const { metadata } = rendered.one("StatefulSet", "pulsar-broker");
    assert.equal(metadata?.namespace, "elsewhere");
    assert.equal(metadata.labels?.["cluster"], "main");
    assert.equal(data(rendered, "pulsar-broker")["clusterName"], "main");
  });

  const switches: Record<string, string[]> = {
    zookeeper: ["zookeeper"],
    bookkeeper: ["bookie"],
    autorecovery: ["recovery"],
    broker: ["broker"],
    proxy: ["proxy"],
    toolset: ["toolset"],
    pulsar_manager: ["pulsar-manager"],
  };
  for (const [component, [label]] of Object.entries(switches)) {
    test(`components.${component}: false removes everything of ${label ?? ""}`, async () => {
      const rendered = await render({ initialize: true, components: { [component]: false } });
      const left = (["StatefulSet", "Deployment", "Service", "ConfigMap", "PodDisruptionBudget", "Secret"] as const)
        .flatMap((kind) => rendered.all(kind))
        .map(({ metadata }) => metadata?.labels?.["component"]);
      assert.ok(left.length > 0 && !left.includes(label));
    });
  }

  test("the deprecated extra.* switches have the same effect as components.*", async () => {
    const components = { proxy: false, autorecovery: false, pulsar_manager: false };
    const extra = { proxy: true, autoRecovery: true, pulsar_manager: true };
    const rendered = await render({ components, extra });
    assert.deepEqual(rendered.names("StatefulSet"), (await render()).names("StatefulSet"));
    assert.deepEqual(rendered.names("Deployment"), ["pulsar-pulsar-manager"]);
  });
});

describe("pods", () => {
  test("StatefulSets have replicas, start order, update strategy and service name", async () => {
    const facts = (await render()).all("StatefulSet").map(({ metadata, spec }) => {
      assert.equal(spec?.serviceName, metadata?.name);
      assert.deepEqual(spec?.updateStrategy, { type: "RollingUpdate" });
      return [metadata?.name, spec.replicas, spec.podManagementPolicy];
    });
    assert.deepEqual(facts.sort(), [
      ["pulsar-bookie", 4, "Parallel"],
      ["pulsar-broker", 3, "Parallel"],
      ["pulsar-proxy", 3, "Parallel"],
      ["pulsar-recovery", 1, "Parallel"],
      ["pulsar-toolset", 1, "Parallel"],
      ["pulsar-zookeeper", 3, "OrderedReady"],
    ]);
  });

  test("replicaCount sets the replicas, except for the manager, which always has one", async () => {
    const rendered = await render(forEach(componentKeys, { replicaCount: 5 }));
    assert.deepEqual(new Set(rendered.all("StatefulSet").map(({ spec }) => spec?.replicas)), new Set([5]));
    assert.equal(rendered.one("Deployment", "pulsar-pulsar-manager").spec?.replicas, 1);
  });

  test("have the release's labels, except those of the init Jobs, which have none", async () => {
    const rendered = await render({ initialize: true });
    const labels = Object.fromEntries(
      rendered.workloads.map(({ metadata, spec }) => [metadata?.name ?? "", spec?.template.metadata?.labels]),
    );
    const common = { app: "pulsar", release: "pulsar", cluster: "pulsar" };
    assert.deepEqual(labels, {
      "pulsar-zookeeper": { ...common, component: "zookeeper" },
      "pulsar-bookie": { ...common, component: "bookie" },
      "pulsar-recovery": { ...common, component: "recovery" },
      "pulsar-broker": { ...common, component: "broker" },
      "pulsar-proxy": { ...common, component: "proxy" },
      "pulsar-toolset": { ...common, component: "toolset" },
      "pulsar-pulsar-manager": { ...common, component: "pulsar-manager" },
      "pulsar-bookie-init": undefined,
      "pulsar-pulsar-init": undefined,
    });
  });

  test("use their component's nodeSelector and tolerations; the init Jobs accept none", async () => {
    const rendered = await render({
      initialize: true,
      ...forEach([...componentKeys, "pulsar_metadata"], { nodeSelector, tolerations: [toleration] }),
    });
    const placed = byWorkload(rendered, (pod) => [pod.nodeSelector, pod.tolerations]);
    for (const [name, placement] of Object.entries(placed)) {
      assert.deepEqual(
        placement,
        initJobs.includes(name) ? [undefined, undefined] : [nodeSelector, [toleration]],
        name,
      );
    }
    assert.equal(Object.keys(placed).length, 9);
  });

  test("have anti-affinity by node: required, preferred for brokers, none for toolset and manager", async () => {
    const rendered = await render();
    assert.deepEqual(byWorkload(rendered, antiAffinity), {
      "pulsar-zookeeper": "required",
      "pulsar-bookie": "required",
      "pulsar-recovery": "required",
      "pulsar-broker": "preferred",
      "pulsar-proxy": "required",
      "pulsar-toolset": "none",
      "pulsar-pulsar-manager": "none",
    });
    const terms = podSpec(rendered.one("StatefulSet", "pulsar-bookie")).affinity?.podAntiAffinity;
    assert.deepEqual(terms?.requiredDuringSchedulingIgnoredDuringExecution, [
      {
        topologyKey: "kubernetes.io/hostname",
        labelSelector: {
          matchExpressions: [
            { key: "app", operator: "In", values: ["pulsar"] },
            { key: "release", operator: "In", values: ["pulsar"] },
            { key: "component", operator: "In", values: ["bookie"] },
          ],
        },
      },
    ]);
  });

  test("affinity.anti_affinity: false removes it from all; <component>.affinity applies to one component", async () => {
    const off = byWorkload(await render({ affinity: { anti_affinity: false } }), antiAffinity);
    assert.deepEqual(new Set(Object.values(off)), new Set(["none"]));
    const own = await render({
      zookeeper: { affinity: { anti_affinity: false } },
      bookkeeper: { affinity: { type: "preferredDuringSchedulingIgnoredDuringExecution" } },
      broker: { affinity: { type: "requiredDuringSchedulingIgnoredDuringExecution" } },
    });
    const of = byWorkload(own, antiAffinity);
    assert.deepEqual(
      [of["pulsar-zookeeper"], of["pulsar-bookie"], of["pulsar-broker"]],
      ["none", "preferred", "required"],
    );
  });

  test("images.imagePullSecrets applies to all pods except ZooKeeper's and the init Jobs'", async () => {
    const rendered = await render({ initialize: true, images: { imagePullSecrets: ["regsecret"] } });
    const without = Object.entries(byWorkload(rendered, (pod) => pod.imagePullSecrets))
      .filter(([, secrets]) => secrets === undefined)
      .map(([name]) => name);
    assert.deepEqual(without.sort(), [...initJobs, "pulsar-zookeeper"].sort());
    assert.deepEqual(podSpec(rendered.one("StatefulSet", "pulsar-broker")).imagePullSecrets, [{ name: "regsecret" }]);
  });

  test("use their component's image; the toolset uses the broker's", async () => {
    const names = ["zookeeper", "bookie", "autorecovery", "broker", "proxy", "pulsar_manager"];
    const rendered = await render({
      initialize: true,
      images: Object.fromEntries(names.map((name) => [name, { repository: `registry.example/${name}`, tag: "1" }])),
      pulsar_metadata: { image: { repository: "registry.example/init", tag: "1" } },
    });
    const images = byWorkload(rendered, ({ containers, initContainers = [] }) =>
      [...new Set([...initContainers, ...containers].map(({ image }) => image?.split("/")[1]))].join(),
    );
    assert.deepEqual(images, {
      "pulsar-zookeeper": "zookeeper:1",
      "pulsar-bookie": "bookie:1",
      "pulsar-recovery": "autorecovery:1",
      "pulsar-broker": "broker:1",
      "pulsar-proxy": "proxy:1",
      "pulsar-toolset": "broker:1",
      "pulsar-pulsar-manager": "pulsar_manager:1",
      "pulsar-bookie-init": "bookie:1",
      "pulsar-pulsar-init": "init:1",
    });
  });

  test("wait in init containers for their dependencies", async () => {
    const rendered = await render({ initialize: true });
    assert.deepEqual(
      byWorkload(rendered, ({ initContainers = [] }) => initContainers.map(({ name }) => name)),
      {
        "pulsar-zookeeper": [],
        "pulsar-bookie": ["pulsar-bookkeeper-verify-clusterid"],
        "pulsar-recovery": ["pulsar-bookkeeper-verify-clusterid"],
        "pulsar-broker": ["wait-zookeeper-ready", "wait-bookkeeper-ready"],
        "pulsar-proxy": ["wait-zookeeper-ready", "wait-broker-ready"],
        "pulsar-toolset": [],
        "pulsar-pulsar-manager": [],
        "pulsar-bookie-init": ["wait-zookeeper-ready"],
        "pulsar-pulsar-init": ["wait-zookeeper-ready", "pulsar-bookkeeper-verify-clusterid"],
      },
    );
  });

  test("request memory and CPU", async () => {
    const requests = byWorkload(await render(), ({ containers }) => {
      const { memory, cpu } = containers[0]?.resources?.requests ?? {};
      return `${memory ?? ""} ${cpu ?? ""}`;
    });
    assert.deepEqual(requests, {
      "pulsar-zookeeper": "256Mi 0.1",
      "pulsar-bookie": "512Mi 0.2",
      "pulsar-recovery": "64Mi 0.05",
      "pulsar-broker": "512Mi 0.2",
      "pulsar-proxy": "128Mi 0.2",
      "pulsar-toolset": "256Mi 0.1",
      "pulsar-pulsar-manager": "250Mi 0.1",
    });
  });

  test("use <component>.resources key by key; the init Jobs have their own, and init containers none", async () => {
    const limits = { memory: "4Gi" };
    const rendered = await render({
      initialize: true,
      ...forEach(componentKeys, { resources: { requests: { memory: "3Gi" }, limits } }),
      bookkeeper: { resources: { requests: { cpu: "2" }, limits }, metadata: { resources: { limits } } },
      pulsar_metadata: { resources: { requests: { cpu: "100m" }, limits } },
    });
    assert.deepEqual(
      byWorkload(rendered, ({ containers }) => containers.map(({ resources }) => resources)),
      {
        "pulsar-zookeeper": [{ requests: { memory: "3Gi", cpu: 0.1 }, limits }],
        "pulsar-bookie": [{ requests: { memory: "512Mi", cpu: "2" }, limits }],
        "pulsar-recovery": [{ requests: { memory: "3Gi", cpu: 0.05 }, limits }],
        "pulsar-broker": [{ requests: { memory: "3Gi", cpu: 0.2 }, limits }],
        "pulsar-proxy": [{ requests: { memory: "3Gi", cpu: 0.2 }, limits }],
        "pulsar-toolset": [{ requests: { memory: "3Gi", cpu: 0.1 }, limits }],
        "pulsar-pulsar-manager": [{ requests: { memory: "3Gi", cpu: 0.1 }, limits }],
        "pulsar-bookie-init": [{ limits }],
        "pulsar-pulsar-init": [{ requests: { cpu: "100m" }, limits }],
      },
    );
    const init = rendered.workloads.flatMap((workload) => podSpec(workload).initContainers ?? []);
    assert.deepEqual(
      init.filter(({ resources }) => resources !== undefined),
      [],
    );
  });

  test("have <component>.annotations and those for Prometheus; those of the init Jobs have none", async () => {
    const rendered = await render({ initialize: true, ...forEach(componentKeys, { annotations: { mine: "kept" } }) });
    const scrape = (port: string) => ({ "prometheus.io/scrape": "true", "prometheus.io/port": port, mine: "kept" });
    const annotations = rendered.workloads.map(({ metadata, spec }) => [
      metadata?.name ?? "",
      spec?.template.metadata?.annotations,
    ]);
    assert.deepEqual(Object.fromEntries(annotations), {
      "pulsar-zookeeper": scrape("8000"),
      "pulsar-bookie": scrape("8000"),
      "pulsar-recovery": scrape("8000"),
      "pulsar-broker": scrape("8080"),
      "pulsar-proxy": scrape("80"),
      "pulsar-toolset": { mine: "kept" },
      "pulsar-pulsar-manager": { mine: "kept" },
      "pulsar-bookie-init": undefined,
      "pulsar-pulsar-init": undefined,
    });
  });

  test("run as `default`, except the brokers", async () => {
    const accounts = byWorkload(await render({ initialize: true }), (pod) => pod.serviceAccountName);
    assert.equal(accounts["pulsar-broker"], "pulsar-broker-acct");
    assert.equal(Object.values(accounts).filter((account) => account !== undefined).length, 1);
  });
});

describe("volumes", () => {
  test("three ZooKeepers and three bookies have nine claims, of a class that the chart does not create", async () => {
    const rendered = await render({ ...localStorage, bookkeeper: { replicaCount: 3 } });
    assert.deepEqual(rendered.all("StatefulSet").flatMap(claimNames).sort(), [
      "pulsar-bookie-journal-pulsar-bookie-0",
      "pulsar-bookie-journal-pulsar-bookie-1",
      "pulsar-bookie-journal-pulsar-bookie-2",
      "pulsar-bookie-ledgers-pulsar-bookie-0",
      "pulsar-bookie-ledgers-pulsar-bookie-1",
      "pulsar-bookie-ledgers-pulsar-bookie-2",
      "pulsar-zookeeper-data-pulsar-zookeeper-0",
      "pulsar-zookeeper-data-pulsar-zookeeper-1",
      "pulsar-zookeeper-data-pulsar-zookeeper-2",
    ]);
    assert.deepEqual(new Set(Object.values(storageClasses(rendered))), new Set(["local-storage"]));
    assert.deepEqual(rendered.names("StorageClass"), []);
  });

  test("claim sizes are 10Gi, 50Gi and 20Gi by default", async () => {
    const sizes = (rendered: Rendered): (string | undefined)[] =>
      ["pulsar-bookie", "pulsar-zookeeper"].flatMap((name) =>
        (rendered.one("StatefulSet", name).spec?.volumeClaimTemplates ?? []).map(
          ({ spec }) => spec?.resources?.requests?.["storage"],
        ),
      );
    assert.deepEqual(sizes(await render()), ["10Gi", "50Gi", "20Gi"]);
    const set = await render({
      bookkeeper: { volumes: { journal: { size: "1Gi" }, ledgers: { size: "2Gi" } } },
      zookeeper: { volumes: { data: { size: "3Gi" } } },
    });
    assert.deepEqual(sizes(set), ["1Gi", "2Gi", "3Gi"]);
  });

  const own = { provisioner: "example.com/disk", type: "ssd", fsType: "xfs" };
  const journal = (settings: Values): Values => ({ bookkeeper: { volumes: { journal: settings } } });
  const classRules: [string, Values, string | undefined, string[]][] = [
    ["the cluster's default, if nothing is said", {}, undefined, []],
    ["local-storage, if both switches say local", localStorage, "local-storage", []],
    [
      "the default, if this volume is not local",
      { ...localStorage, ...journal({ local_storage: false }) },
      undefined,
      [],
    ],
    ["storageClassName before local", { ...localStorage, ...journal({ storageClassName: "fast" }) }, "fast", []],
    [
      "a class of the chart's own, which it makes for a volume that is not local",
      journal({ local_storage: false, storageClass: own }),
      "pulsar-bookie-journal",
      ["pulsar-bookie-journal"],
    ],
    ["quirk: that class, but not made, for a local one", journal({ storageClass: own }), "pulsar-bookie-journal", []],
  ];
  for (const [rule, values, storageClass, made] of classRules) {
    test(`class of a claim: ${rule}`, async () => {
      const rendered = await render(values);
      assert.equal(storageClasses(rendered)["pulsar-bookie-journal"], storageClass);
      assert.deepEqual(rendered.names("StorageClass"), made);
    });
  }

  const unpersisted: Record<string, [Values, string[], number]> = {
    "volumes.persistence": [{ volumes: { persistence: false } }, ["data", "journal", "ledgers"], 0],
    "zookeeper.volumes.persistence": [{ zookeeper: { volumes: { persistence: false } } }, ["data"], 2],
    "the older persistence, which forgets ZooKeeper's volume": [{ persistence: false }, ["journal", "ledgers"], 0],
  };
  for (const [key, [values, kinds, claims]] of Object.entries(unpersisted)) {
    test(`emptyDir instead of claims without ${key}`, async () => {
      const sets = (await render(values)).all("StatefulSet");
      const emptyDirs = sets.flatMap((set) => podSpec(set).volumes ?? []).filter(({ emptyDir }) => emptyDir);
      assert.deepEqual(emptyDirs.map(({ name }) => name.split("-").at(-1)).sort(), kinds);
      assert.equal(sets.flatMap(({ spec }) => spec?.volumeClaimTemplates ?? []).length, claims);
    });
  }

  test("without persistence, a bookie loses its data at each start", async () => {
    const start = async (persistence: boolean): Promise<string> => {
      const set = (await render({ volumes: { persistence } })).one("StatefulSet", "pulsar-bookie");
      return podSpec(set).initContainers?.[0]?.args?.join() ?? "";
    };
    assert.match(await start(false), /bookieformat .*-deleteCookie/);
    assert.doesNotMatch(await start(true), /bookieformat/);
  });
});

describe("authentication", () => {
  const jwtKeys = (rendered: Rendered, configMap: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(data(rendered, configMap)).filter(([key]) =>
        /^(auth|brokerClientAuth|token|forwardAuth)/.test(key),
      ),
    );

  test("is off by default: no keys and no mounted Secrets", async () => {
    const rendered = await render();
    assert.deepEqual(new Set(Object.values(byWorkload(rendered, mountedSecrets)).flat()), new Set());
    for (const name of ["broker", "proxy", "toolset"]) assert.deepEqual(jwtKeys(rendered, `pulsar-${name}`), {});
  });

  test("configures broker, proxy and toolset", async () => {
    const rendered = await render(jwt);
    const server = {
      authenticationEnabled: "true",
      authenticationProviders: "org.apache.pulsar.broker.authentication.AuthenticationProviderToken",
      brokerClientAuthenticationPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
      tokenPublicKey: "file:///pulsar/keys/token/public.key",
    };
    assert.deepEqual(jwtKeys(rendered, "pulsar-broker"), {
      ...server,
      authorizationEnabled: "true",
      brokerClientAuthenticationParameters: "file:///pulsar/tokens/broker/token",
    });
    assert.deepEqual(jwtKeys(rendered, "pulsar-proxy"), {
      ...server,
      authorizationEnabled: "false",
      forwardAuthorizationCredentials: "true",
      brokerClientAuthenticationParameters: "file:///pulsar/tokens/proxy/token",
    });
    assert.deepEqual(jwtKeys(rendered, "pulsar-toolset"), {
      authPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
      authParams: "file:///pulsar/tokens/client/token",
    });
  });

  const expectedSecrets: Record<string, [Values, string]> = {
    asymmetric: [jwt, "pulsar-token-asymmetric-key PUBLICKEY /pulsar/keys/token/public.key"],
    symmetric: [
      { auth: { ...(jwt["auth"] as Values), authentication: { enabled: true, jwt: { usingSecretKey: true } } } },
      "pulsar-token-symmetric-key SECRETKEY /pulsar/keys/token/secret.key",
    ],
  };
  for (const [form, [values, key]] of Object.entries(expectedSecrets)) {
    test(`uses the Secrets of the ${form} form`, async () => {
      const mounted = byWorkload(await render({ initialize: true, ...values }), mountedSecrets);
      assert.deepEqual(Object.fromEntries(Object.entries(mounted).filter(([, secrets]) => secrets.length > 0)), {
        "pulsar-broker": [key, "pulsar-token-broker-admin TOKEN /pulsar/tokens/broker/token"],
        "pulsar-proxy": [key, "pulsar-token-proxy-admin TOKEN /pulsar/tokens/proxy/token"],
        "pulsar-toolset": ["pulsar-token-admin TOKEN /pulsar/tokens/client/token"],
      });
    });
  }

  test("quirk: the order of superUserRoles is random", async () => {
    const orders = new Set<string>();
    // Two ConfigMaps per render, and no order has a probability above two thirds, so forty renders with one order are practically impossible.
    for (let renders = 0; orders.size < 2 && renders < 20; renders++) {
      const rendered = await render(jwt);
      for (const name of ["pulsar-broker", "pulsar-proxy"]) {
        const roles = data(rendered, name)["superUserRoles"] ?? "";
        assert.deepEqual(roles.split(",").sort(), ["admin", "broker-admin", "proxy-admin"]);
        orders.add(roles);
      }
    }
    assert.ok(orders.size > 1, "always in one order");
  });
});

describe("configuration", () => {
  test("configData is merged with the component's defaults and loaded as environment", async () => {
    const rendered = await render({
      proxy: { configData: { PULSAR_PREFIX_authenticateMetricsEndpoint: "false" } },
      broker: { configData: { managedLedgerDefaultEnsembleSize: "3" } },
    });
    const proxy = data(rendered, "pulsar-proxy");
    assert.equal(proxy["PULSAR_PREFIX_authenticateMetricsEndpoint"], "false");
    assert.match(proxy["PULSAR_MEM"] ?? "", /-Xmx64m/);
    const broker = data(rendered, "pulsar-broker");
    assert.deepEqual([broker["managedLedgerDefaultEnsembleSize"], broker["managedLedgerDefaultAckQuorum"]], ["3", "2"]);
    for (const name of ["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset"]) {
      const [container] = podSpec(rendered.one("StatefulSet", `pulsar-${name}`)).containers;
      assert.deepEqual(container?.envFrom, [{ configMapRef: { name: `pulsar-${name}` } }]);
    }
  });

  test("memory is PULSAR_MEM, but BOOKIE_MEM for autorecovery; the manager has neither", async () => {
    const rendered = await render();
    const keys = rendered.all("ConfigMap").map(({ metadata, data = {} }) => {
      return [metadata?.name ?? "", Object.keys(data).filter((key) => key.endsWith("_MEM"))];
    });
    assert.deepEqual(Object.fromEntries(keys), {
      "pulsar-zookeeper": ["PULSAR_MEM"],
      "pulsar-bookie": ["PULSAR_MEM"],
      "pulsar-recovery": ["BOOKIE_MEM"],
      "pulsar-broker": ["PULSAR_MEM"],
      "pulsar-proxy": ["PULSAR_MEM"],
      "pulsar-toolset": ["PULSAR_MEM"],
      "pulsar-pulsar-manager": [],
      "pulsar-functions-worker-config": [],
    });
  });

  test("the bookies' caches have their own units, and the brokers wait for as many bookies as the ensemble size", async () => {
    const caches = {
      dbStorage_writeCacheMaxSizeMb: "512",
      dbStorage_readAheadCacheMaxSizeMb: "256",
      dbStorage_rocksDB_writeBufferSizeMB: "8",
      dbStorage_rocksDB_blockCacheSize: "268435456",
    };
    const set = await render({
      bookkeeper: { configData: caches },
      broker: { configData: { managedLedgerDefaultEnsembleSize: "5" } },
    });
    const found = (rendered: Rendered) =>
      Object.fromEntries(
        Object.entries(data(rendered, "pulsar-bookie")).filter(([key]) => key.startsWith("dbStorage")),
      );
    assert.deepEqual(found(set), caches);
    assert.deepEqual(found(await render()), {
      dbStorage_writeCacheMaxSizeMb: "32",
      dbStorage_readAheadCacheMaxSizeMb: "32",
      dbStorage_rocksDB_writeBufferSizeMB: "8",
      dbStorage_rocksDB_blockCacheSize: "8388608",
    });
    const waiting = podSpec(set.one("StatefulSet", "pulsar-broker")).initContainers?.at(-1);
    assert.match(waiting?.args?.join() ?? "", /-ge 5 \]/);
    assert.equal(data(set, "pulsar-broker")["PF_numFunctionPackageReplicas"], "5");
  });

  test("quirk: a key that the template also writes is duplicated, and configData takes precedence", async () => {
    const rendered = await render({ proxy: { configData: { httpNumThreads: "4" } } });
    assert.deepEqual(rendered.repeatedKeys, ["httpNumThreads"]);
    assert.equal(data(rendered, "pulsar-proxy")["httpNumThreads"], "4");
    assert.deepEqual((await render()).repeatedKeys, []);
  });

  test("metadataPrefix is a prefix of the metadata paths", async () => {
    const rendered = await render({ metadataPrefix: "/main" });
    const { zookeeperServers, configurationStoreServers } = data(rendered, "pulsar-broker");
    assert.deepEqual(
      [zookeeperServers, configurationStoreServers],
      ["pulsar-zookeeper:2181/main", "pulsar-zookeeper:2181/main"],
    );
    assert.equal(data(rendered, "pulsar-bookie")["zkLedgersRootPath"], "/main/ledgers");
  });

  test("functions run as pods; without functions, there is neither a worker nor a role", async () => {
    const on = await render();
    assert.equal(data(on, "pulsar-broker")["functionsWorkerEnabled"], "true");
    assert.deepEqual(data(on, "pulsar-functions-worker-config"), {
      pulsarDockerImageName: "apachepulsar/pulsar-all:2.7.4",
    });
    const off = await render({ components: { functions: false } });
    assert.equal(data(off, "pulsar-broker")["functionsWorkerEnabled"], "false");
    assert.deepEqual(off.names("ClusterRole"), ["pulsar-broker-clusterrole"]);
    assert.ok(!off.names("ConfigMap").includes("pulsar-functions-worker-config"));
  });

  test("rbac.limit_to_namespace makes the broker's role namespaced", async () => {
    const rendered = await render({ rbac: { limit_to_namespace: true } });
    assert.deepEqual(rendered.names("Role"), ["pulsar-broker-role"]);
    assert.deepEqual(rendered.names("RoleBinding"), ["pulsar-broker-rolebinding"]);
    assert.deepEqual(rendered.names("ClusterRole"), ["pulsar-functions-worker"]);
  });
});

describe("the manager", () => {
  const account = (rendered: Rendered): Record<string, unknown> =>
    Object.fromEntries(
      (podSpec(rendered.one("Deployment", "pulsar-pulsar-manager")).containers[0]?.env ?? []).map(
        ({ name, value, valueFrom }) => [name, value ?? valueFrom?.secretKeyRef],
      ),
    );

  test("has its database account from the chart's Secret, and everything else from its ConfigMap", async () => {
    const rendered = await render({ pulsar_manager: { admin: { user: "someone", password: "not a real one" } } });
    const name = "pulsar-pulsar-manager-secret";
    assert.deepEqual(account(rendered), {
      PULSAR_CLUSTER: "pulsar",
      USERNAME: { name, key: "PULSAR_MANAGER_ADMIN_USER" },
      PASSWORD: { name, key: "PULSAR_MANAGER_ADMIN_PASSWORD" },
    });
    const secret = rendered.one("Secret", name).data ?? {};
    assert.deepEqual(
      Object.fromEntries(Object.entries(secret).map(([key, text]) => [key, Buffer.from(text, "base64").toString()])),
      { PULSAR_MANAGER_ADMIN_USER: "someone", PULSAR_MANAGER_ADMIN_PASSWORD: "not a real one" },
    );
    assert.deepEqual(data(rendered, "pulsar-pulsar-manager"), {
      REDIRECT_HOST: "http://127.0.0.1",
      REDIRECT_PORT: "9527",
      DRIVER_CLASS_NAME: "org.postgresql.Driver",
      URL: "jdbc:postgresql://127.0.0.1:5432/pulsar_manager",
      LOG_LEVEL: "DEBUG",
    });
  });

  test("existingSecretName replaces the chart's Secret", async () => {
    const rendered = await render({ pulsar_manager: { existingSecretName: "prepared" } });
    assert.deepEqual(rendered.names("Secret"), []);
    assert.deepEqual(account(rendered)["PASSWORD"], { name: "prepared", key: "PULSAR_MANAGER_ADMIN_PASSWORD" });
  });

  test("a JWT_TOKEN in configData is in plain text in the ConfigMap, which the container loads completely", async () => {
    const rendered = await render({ pulsar_manager: { configData: { JWT_TOKEN: "not a real one" } } });
    assert.equal(data(rendered, "pulsar-pulsar-manager")["JWT_TOKEN"], "not a real one");
    assert.deepEqual(podSpec(rendered.one("Deployment", "pulsar-pulsar-manager")).containers[0]?.envFrom, [
      { configMapRef: { name: "pulsar-pulsar-manager" } },
    ]);
  });
});

describe("services", () => {
  test("types and ports: proxy and manager are LoadBalancers, the others headless", async () => {
    const facts = (await render()).all("Service").map(({ metadata, spec }) => {
      const type = spec?.clusterIP === "None" ? "headless" : (spec?.type ?? "ClusterIP");
      return [metadata?.name, type, (spec?.ports ?? []).map(({ port }) => port)];
    });
    assert.deepEqual(facts.sort(), [
      ["pulsar-bookie", "headless", [3181, 8000]],
      ["pulsar-broker", "headless", [8080, 6650]],
      ["pulsar-proxy", "LoadBalancer", [80, 6650]],
      ["pulsar-pulsar-manager", "LoadBalancer", [9527]],
      ["pulsar-recovery", "headless", [8000]],
      ["pulsar-toolset", "headless", []],
      ["pulsar-zookeeper", "headless", [8000, 2888, 3888, 2181]],
    ]);
  });

  test("<component>.service.type overrides the type", async () => {
    const rendered = await render(forEach(["proxy", "pulsar_manager"], { service: { type: "ClusterIP" } }));
    assert.ok(rendered.all("Service").every(isNoLoadBalancer));
  });

  test("bookies have addresses before they are ready; ZooKeepers only an annotation for it", async () => {
    const rendered = await render();
    assert.equal(rendered.one("Service", "pulsar-bookie").spec?.publishNotReadyAddresses, true);
    const zookeeper = rendered.one("Service", "pulsar-zookeeper");
    assert.equal(zookeeper.spec?.publishNotReadyAddresses, undefined);
    assert.deepEqual(zookeeper.metadata?.annotations, {
      "service.alpha.kubernetes.io/tolerate-unready-endpoints": "true",
    });
  });
});

describe("APIs that newer clusters lack", () => {
  const budgeted = ["zookeeper", "bookkeeper", "broker", "proxy"];

  test("PodDisruptionBudgets have policy/v1beta1, which was removed in Kubernetes 1.25", async () => {
    const budgets = (await render()).all("PodDisruptionBudget");
    assert.equal(budgets.length, budgeted.length);
    assert.deepEqual(new Set(budgets.map(({ apiVersion }) => apiVersion)), new Set(["policy/v1beta1"]));
    assert.deepEqual(new Set(budgets.map(({ spec }) => spec?.maxUnavailable)), new Set([1]));
  });

  test("all other APIs exist in all supported clusters", async () => {
    const rendered = await render({ initialize: true, ...forEach(budgeted, { pdb: { usePolicy: false } }) });
    assert.deepEqual(rendered.apiVersions, ["apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "v1"]);
  });

  test("Ingresses have extensions/v1beta1, which was removed in 1.22, and are created even without their component", async () => {
    const rendered = await render({
      components: { proxy: false },
      proxy: { ingress: { enabled: true, hostname: "pulsar.example" } },
      pulsar_manager: { ingress: { enabled: true } },
    });
    const facts = rendered.all("Ingress").map(({ apiVersion, spec }) => {
      const backend = spec.rules[0]?.http.paths[0]?.backend;
      return [apiVersion, backend?.serviceName, backend?.servicePort];
    });
    assert.deepEqual(facts.sort(), [
      ["extensions/v1beta1", "pulsar-proxy", 80],
      ["extensions/v1beta1", "pulsar-pulsar-manager", 9527],
    ]);
  });
});

describe("initialize", () => {
  test("is off by default: no Jobs", async () => {
    assert.deepEqual((await render()).names("Job"), []);
  });

  test("creates two plain Jobs whose pods are not restarted; the chart has no hooks", async () => {
    const rendered = await render({ initialize: true });
    assert.deepEqual(rendered.names("Job"), initJobs);
    assert.deepEqual(
      rendered.all("Job").map((job: V1Job) => podSpec(job).restartPolicy),
      ["Never", "Never"],
    );
    const hooks = rendered.workloads.filter(({ metadata }) => metadata?.annotations?.["helm.sh/hook"] !== undefined);
    assert.deepEqual(hooks, []);
  });

  test("ignores a failure to initialize the cluster's metadata", async () => {
    const job = (await render({ initialize: true })).one("Job", "pulsar-pulsar-init");
    assert.match(podSpec(job).containers[0]?.args?.join() ?? "", /initialize-cluster-metadata .* \|\| true/s);
  });

  const partial: Record<string, string[]> = { bookkeeper: ["pulsar-pulsar-init"], broker: ["pulsar-bookie-init"] };
  for (const [component, jobs] of Object.entries(partial)) {
    test(`without ${component}, its Job is omitted`, async () => {
      assert.deepEqual((await render({ initialize: true, components: { [component]: false } })).names("Job"), jobs);
    });
  }
});
