/** Facts about chart 4.7.0 that the stand-in shares with the original. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { V1PodSpec } from "@kubernetes/client-node";
import { parse } from "yaml";
import { chartLine } from "../../../model/charts/lines.ts";
import { clusterOf } from "../../model/charts/clusterOf.ts";
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
import { chart4, type Rendered, type Values } from "./chartRender.ts";

const { folder, template } = chart4;

/** Renders the chart with the manager, which is disabled by default. */
const render: typeof chart4.render = (values = {}, ...more) =>
  chart4.render({ ...values, components: { pulsar_manager: true, ...(values["components"] as Values) } }, ...more);

/** Renders an upgrade instead of a first install. */
const upgrade = (values: Values = {}) => render(values, "pulsar", "pulsar", ["--is-upgrade"]);

const jwtOn = { enabled: true, jwt: { enabled: true } };
const jwt: Values = { auth: { authentication: jwtOn, authorization: { enabled: true } } };
const localStorage: Values = { volumes: { local_storage: true } };
const toleration = { key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" };
const nodeSelector = { "node-role.kubernetes.io/pulsar": "pulsar" };
const componentKeys = ["zookeeper", "bookkeeper", "autorecovery", "broker", "proxy", "toolset", "pulsar_manager"];
const monitoredKeys = ["zookeeper", "bookkeeper", "autorecovery", "broker", "proxy"];
const initJobs = ["pulsar-bookie-init", "pulsar-pulsar-init", "pulsar-pulsar-manager-init"];
const hookJobs = ["pulsar-broker-sts-cleanup", "pulsar-zookeeper-sts-cleanup"];

/** The same for each workload that is not a hook. */
const everywhere = <Fact>(fact: Fact): Record<string, Fact> => ({
  "pulsar-zookeeper": fact,
  "pulsar-bookie": fact,
  "pulsar-recovery": fact,
  "pulsar-broker": fact,
  "pulsar-proxy": fact,
  "pulsar-toolset": fact,
  "pulsar-pulsar-manager": fact,
  ...Object.fromEntries(initJobs.map((name) => [name, fact])),
});

/** Facts about the workloads that are not hooks. */
function facts<Fact>(rendered: Rendered, fact: (pod: V1PodSpec) => Fact): Record<string, Fact> {
  return Object.fromEntries(
    Object.entries(byWorkload(rendered, fact)).filter(([name]) => !name.endsWith("-sts-cleanup")),
  );
}

/** The environment variables of a workload's first container, each as its value or as the key of a Secret. */
function environment(pod: V1PodSpec): Record<string, string> {
  return Object.fromEntries(
    (pod.containers[0]?.env ?? []).map(({ name, value, valueFrom }) => {
      const { name: secret = "", key } = valueFrom?.secretKeyRef ?? {};
      return [name, value ?? `${secret} ${key ?? ""}`];
    }),
  );
}

const decoded = (secret: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(secret).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]));

describe("the chart itself", () => {
  test("is chart pulsar 4.7.0 for Helm, and identifies itself as a stand-in", async () => {
    const about = parse(await readFile(join(folder, "Chart.yaml"), "utf8")) as Record<string, string>;
    assert.deepEqual(
      [about["apiVersion"], about["name"], about["version"], about["appVersion"]],
      ["v2", "pulsar", "4.7.0", "4.0.12"],
    );
    assert.match(about["description"] ?? "", /stand-in for rehearsals, not the chart of the Apache Pulsar project/);
  });

  test("is refused by Helm on Kubernetes below 1.25", async () => {
    await render({}, "pulsar", "pulsar", ["--kube-version", "1.25.0"]);
    await assert.rejects(
      render({}, "pulsar", "pulsar", ["--kube-version", "1.24.17"]),
      /requires kubeVersion: >=1.25.0-0/,
    );
  });

  test("has no schema: an unknown key changes nothing, including those of chart 2.7.7", async () => {
    const off: Values = { "victoria-metrics-k8s-stack": { enabled: false } };
    const unknown: Values = {
      nonsense: 1,
      zookeeper: { toleration: [] },
      monitoring: { prometheus: true },
      pulsar_manager: { existingSecretName: "mine" },
    };
    assert.equal(await template({ ...off, ...unknown }, "pulsar", "pulsar"), await template(off, "pulsar", "pulsar"));
  });

  const lacking: Record<string, Values> = {
    "auth.authentication.jwt.generateSecrets.enabled": {
      auth: { authentication: { jwt: { generateSecrets: { enabled: true } } } },
    },
    "bookkeeper.volumes.journal.useMultiVolumes": { bookkeeper: { volumes: { journal: { useMultiVolumes: true } } } },
    "components.functions, components.oxia": { components: { functions: true, oxia: true } },
    "proxy.ingress.enabled": { proxy: { ingress: { enabled: true } } },
    "standalone.enabled": { standalone: { enabled: true } },
    "tls.proxy.cacerts.enabled": { tls: { proxy: { cacerts: { enabled: true } } } },
  };
  for (const [keys, values] of Object.entries(lacking)) {
    test(`refuses ${keys}, which the stand-in lacks`, async () => {
      await assert.rejects(render(values), (fault: Error) => {
        assert.match(fault.message, new RegExp(`stand-in for rehearsals .* switch off ${keys}\n`));
        return true;
      });
    });
  }

  test("with TLS, needs the names of the CA's issuer and Secret, like the original, and certificates for all components", async () => {
    const components = forEach(["zookeeper", "bookie", "broker", "proxy"], { enabled: true });
    await assert.rejects(
      render({ tls: { enabled: true, ...components } }),
      /certs.issuers.ca.\w+ is required when TLS is enabled and certs.internal_issuer.enabled is false/,
    );
    await assert.rejects(
      render({
        tls: { enabled: true, ...components, proxy: { enabled: false } },
        certs: { issuers: { ca: { name: "ca", secretName: "ca" } } },
      }),
      /stand-in for rehearsals .* tls.proxy.enabled differs from tls.enabled/,
    );
  });

  test("has the monitoring stack enabled by default, like the original, so the values must disable it", async () => {
    await assert.rejects(template({}, "pulsar", "pulsar"), /switch off victoria-metrics-k8s-stack.enabled\n/);
  });
});

describe("names", () => {
  const perKind = {
    StatefulSet: ["bookie", "broker", "proxy", "pulsar-manager", "recovery", "toolset", "zookeeper"],
    Job: ["bookie-init", "broker-sts-cleanup", "pulsar-init", "pulsar-manager-init", "zookeeper-sts-cleanup"],
    Service: [
      "bookie",
      "broker",
      "broker-headless",
      "proxy",
      "pulsar-manager",
      "pulsar-manager-admin",
      "recovery",
      "toolset",
      "zookeeper",
      "zookeeper-headless",
    ],
    ConfigMap: ["bookie", "broker", "certs-scripts", "proxy", "pulsar-manager", "recovery", "toolset", "zookeeper"],
    PodDisruptionBudget: ["bookie", "broker", "proxy", "zookeeper"],
    PodMonitor: ["autorecovery", "bookkeeper", "broker", "proxy", "zookeeper"],
    Secret: ["pulsar-manager-secret"],
    ServiceAccount: [
      "bookie",
      "broker-acct",
      "broker-sts-cleanup",
      "proxy",
      "recovery",
      "toolset",
      "zookeeper",
      "zookeeper-sts-cleanup",
    ],
    Role: ["broker-role", "broker-sts-cleanup", "zookeeper-sts-cleanup"],
    RoleBinding: ["broker-rolebinding", "broker-sts-cleanup", "zookeeper-sts-cleanup"],
  } as const;

  const fullNames = { pulsar: "pulsar", foo: "foo-pulsar", "my-pulsar": "my-pulsar" };
  for (const [release, full] of Object.entries(fullNames)) {
    test(`release ${release}: objects are called ${full}-...`, async () => {
      const rendered = await render({}, release);
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

  const switches: Record<string, string> = {
    zookeeper: "zookeeper",
    bookkeeper: "bookie",
    autorecovery: "recovery",
    broker: "broker",
    proxy: "proxy",
    toolset: "toolset",
    pulsar_manager: "pulsar-manager",
  };
  for (const [component, label] of Object.entries(switches)) {
    test(`components.${component}: false removes everything of ${label}`, async () => {
      const rendered = await render({ components: { [component]: false } });
      const kinds = ["StatefulSet", "Service", "ConfigMap", "PodDisruptionBudget", "Secret", "ServiceAccount"] as const;
      const left = kinds.flatMap((kind) => rendered.all(kind)).map(({ metadata }) => metadata?.labels?.["component"]);
      assert.ok(left.length > 0 && !left.includes(label));
    });
  }

  test("the manager is off by default", async () => {
    assert.ok(!(await chart4.render()).names("StatefulSet").includes("pulsar-pulsar-manager"));
  });
});

describe("pods", () => {
  test("StatefulSets have replicas, start order and service name", async () => {
    const found = (await render()).all("StatefulSet").map(({ metadata, spec }) => {
      return [metadata?.name, spec?.replicas, spec?.podManagementPolicy, spec?.serviceName];
    });
    assert.deepEqual(found.sort(), [
      ["pulsar-bookie", 4, "Parallel", "pulsar-bookie"],
      ["pulsar-broker", 3, "Parallel", "pulsar-broker-headless"],
      ["pulsar-proxy", 3, "Parallel", "pulsar-proxy"],
      ["pulsar-pulsar-manager", 1, undefined, "pulsar-pulsar-manager"],
      ["pulsar-recovery", 1, "Parallel", "pulsar-recovery"],
      ["pulsar-toolset", 1, "Parallel", "pulsar-toolset"],
      ["pulsar-zookeeper", 3, "Parallel", "pulsar-zookeeper-headless"],
    ]);
  });

  test("replicaCount sets the replicas, except for the manager, which always has one", async () => {
    const sets = (await render(forEach(componentKeys, { replicaCount: 5 }))).all("StatefulSet");
    const other = sets.filter(({ spec }) => spec?.replicas !== 5).map(({ metadata }) => metadata?.name);
    assert.deepEqual(other, ["pulsar-pulsar-manager"]);
  });

  test("have the release's labels, including those of the init Jobs; those of the hooks have none", async () => {
    const labels = Object.fromEntries(
      (await render()).workloads.map(({ metadata, spec }) => [
        metadata?.name ?? "",
        spec?.template.metadata?.labels?.["component"],
      ]),
    );
    assert.deepEqual(labels, {
      ...Object.fromEntries(Object.keys(everywhere("")).map((name) => [name, name.replace("pulsar-", "")])),
      ...Object.fromEntries(hookJobs.map((name) => [name, undefined])),
    });
    const [job] = (await render()).all("Job");
    assert.deepEqual(Object.keys(job?.spec?.template.metadata?.labels ?? {}).sort(), [
      "app",
      "cluster",
      "component",
      "release",
    ]);
  });

  test("use their component's nodeSelector and tolerations, the init Jobs pulsar_metadata's; the hooks accept none", async () => {
    const placement = { nodeSelector, tolerations: [toleration] };
    const rendered = await render(forEach([...componentKeys, "pulsar_metadata"], placement));
    const placed = byWorkload(rendered, (pod) => [pod.nodeSelector, pod.tolerations]);
    assert.deepEqual(placed, {
      ...everywhere([nodeSelector, [toleration]]),
      ...Object.fromEntries(hookJobs.map((name) => [name, [undefined, undefined]])),
    });
  });

  test("quirk: pulsar-init has a duplicate nodeSelector", async () => {
    assert.deepEqual((await render({ pulsar_metadata: { nodeSelector } })).repeatedKeys, ["nodeSelector"]);
    assert.deepEqual((await render()).repeatedKeys, []);
  });

  test("use priorityClassName and topologySpreadConstraints, except for the init Jobs", async () => {
    const topologySpreadConstraints = [{ topologyKey: "zone", maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" }];
    const rendered = await render(
      forEach([...componentKeys, "pulsar_metadata"], { priorityClassName: "high", topologySpreadConstraints }),
    );
    assert.deepEqual(
      facts(rendered, (pod) => [pod.priorityClassName, pod.topologySpreadConstraints]),
      {
        ...everywhere(["high", topologySpreadConstraints]),
        ...Object.fromEntries(initJobs.map((name) => [name, [undefined, undefined]])),
      },
    );
  });

  test("have anti-affinity by node: required, preferred for brokers, none for toolset and manager", async () => {
    assert.deepEqual(facts(await render({ useReleaseStatus: false }), antiAffinity), {
      "pulsar-zookeeper": "required",
      "pulsar-bookie": "required",
      "pulsar-recovery": "required",
      "pulsar-broker": "preferred",
      "pulsar-proxy": "required",
      "pulsar-toolset": "none",
      "pulsar-pulsar-manager": "none",
    });
  });

  test("affinity.anti_affinity: false removes it from all; <component>.affinity applies to one component", async () => {
    const off = byWorkload(await render({ affinity: { anti_affinity: false } }), antiAffinity);
    assert.deepEqual(new Set(Object.values(off)), new Set(["none"]));
    const own = await render({
      zookeeper: { affinity: { anti_affinity: false } },
      bookkeeper: { affinity: { anti_affinity_topology_key: "zone" } },
      broker: { affinity: { type: "requiredDuringSchedulingIgnoredDuringExecution" } },
    });
    const of = byWorkload(own, antiAffinity);
    assert.deepEqual(
      [of["pulsar-zookeeper"], of["pulsar-bookie"], of["pulsar-broker"]],
      ["none", "required", "required"],
    );
    const terms = podSpec(own.one("StatefulSet", "pulsar-bookie")).affinity?.podAntiAffinity;
    assert.deepEqual(terms?.requiredDuringSchedulingIgnoredDuringExecution, [
      {
        topologyKey: "zone",
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

  test("images.imagePullSecrets applies to all pods except the hooks'", async () => {
    const rendered = await render({ images: { imagePullSecrets: ["regsecret"] } });
    assert.deepEqual(
      byWorkload(rendered, (pod) => pod.imagePullSecrets),
      { ...everywhere([{ name: "regsecret" }]), ...Object.fromEntries(hookJobs.map((name) => [name, undefined])) },
    );
  });

  const imagesOf = (rendered: Rendered): Record<string, string> =>
    byWorkload(rendered, ({ containers, initContainers }) =>
      [...new Set([...(initContainers ?? []), ...containers].map(({ image }) => image))].join(" "),
    );

  test("use one image, except for the manager and the hooks", async () => {
    const hooks = (image: string) => Object.fromEntries(hookJobs.map((name) => [name, image]));
    assert.deepEqual(imagesOf(await render()), {
      ...everywhere("apachepulsar/pulsar-all:4.0.12"),
      "pulsar-pulsar-manager": "apachepulsar/pulsar-manager:v0.4.0",
      ...hooks("alpine/k8s:1.32.12"),
    });
    const defaults = { defaultPulsarImageRepository: "registry.example/pulsar", defaultPulsarImageTag: "4.0.1" };
    assert.deepEqual(
      imagesOf(await render({ ...defaults, images: { kubectl: { repository: "registry.example/k8s" } } })),
      {
        ...everywhere("registry.example/pulsar:4.0.1"),
        "pulsar-pulsar-manager": "apachepulsar/pulsar-manager:v0.4.0",
        ...hooks("registry.example/k8s:1.32.12"),
      },
    );
  });

  test("can use separate images; the toolset uses the broker's without a repository of its own", async () => {
    const names = ["zookeeper", "bookie", "autorecovery", "broker", "proxy", "pulsar_manager"];
    const images: Values = Object.fromEntries(names.map((name) => [name, { repository: name, tag: "1" }]));
    const pulsar_metadata = { image: { repository: "init" } };
    const rendered = await render({ images: { ...images, toolset: { tag: "2" } }, pulsar_metadata });
    const found = imagesOf(rendered);
    assert.deepEqual(found, {
      "pulsar-zookeeper": "zookeeper:1",
      "pulsar-bookie": "bookie:1",
      "pulsar-recovery": "autorecovery:1",
      "pulsar-broker": "broker:1",
      "pulsar-proxy": "proxy:1",
      "pulsar-toolset": "broker:1",
      "pulsar-pulsar-manager": "pulsar_manager:1",
      "pulsar-bookie-init": "bookie:1",
      "pulsar-pulsar-init": "init:4.0.12",
      // It waits for a broker with the image of the proxy.
      "pulsar-pulsar-manager-init": "init:4.0.12 proxy:1",
      ...Object.fromEntries(hookJobs.map((name) => [name, "alpine/k8s:1.32.12"])),
    });
    const own = await render({ images: { toolset: { repository: "tools" } } });
    assert.equal(imagesOf(own)["pulsar-toolset"], "tools:4.0.12");
  });

  test("wait in init containers for their dependencies, with a timeout, and each has requests for memory and CPU", async () => {
    const rendered = await render();
    const limit = (command: string[] = []): string => (command[0] === "timeout" ? (command[1] ?? "") : "no limit");
    assert.deepEqual(
      facts(rendered, ({ initContainers }) =>
        (initContainers ?? []).map(({ name, command }) => `${name} ${limit(command)}`),
      ),
      {
        "pulsar-zookeeper": [],
        "pulsar-bookie": ["pulsar-bookkeeper-verify-clusterid 600"],
        "pulsar-recovery": ["pulsar-bookkeeper-verify-clusterid 120"],
        "pulsar-broker": ["wait-zookeeper-ready 600", "wait-bookkeeper-ready 120"],
        "pulsar-proxy": ["wait-zookeeper-ready 600", "wait-broker-ready 120"],
        "pulsar-toolset": [],
        "pulsar-pulsar-manager": [],
        "pulsar-bookie-init": ["wait-zookeeper-ready 600"],
        "pulsar-pulsar-init": ["wait-zk-metastore-ready 600", "pulsar-bookkeeper-verify-clusterid 120"],
        "pulsar-pulsar-manager-init": ["wait-pulsar-manager-ready no limit", "wait-broker-ready no limit"],
      },
    );
    const waiting = rendered.workloads.flatMap((workload) => podSpec(workload).initContainers ?? []);
    for (const { resources } of waiting) assert.deepEqual(resources?.requests, { memory: "256Mi", cpu: 0.1 });
  });

  test("request memory and CPU; containers of the init Jobs only if it is set", async () => {
    const requests = (rendered: Rendered) =>
      facts(rendered, ({ containers }) => {
        const { memory, cpu } = containers[0]?.resources?.requests ?? {};
        return memory === undefined ? undefined : `${memory} ${cpu ?? ""}`;
      });
    const own = {
      "pulsar-zookeeper": "256Mi 0.1",
      "pulsar-bookie": "512Mi 0.2",
      "pulsar-recovery": "128Mi 0.05",
      "pulsar-broker": "512Mi 0.2",
      "pulsar-proxy": "128Mi 0.2",
      "pulsar-toolset": "256Mi 0.1",
      "pulsar-pulsar-manager": "250Mi 0.1",
    };
    const jobs = (asked?: string) => Object.fromEntries(initJobs.map((name) => [name, asked]));
    assert.deepEqual(requests(await render()), { ...own, ...jobs() });
    const resources = { requests: { memory: "1Gi", cpu: "1" } };
    assert.deepEqual(
      requests(await render({ pulsar_metadata: { resources }, bookkeeper: { metadata: { resources } } })),
      { ...own, ...jobs("1Gi 1") },
    );
  });

  test("use a ServiceAccount of their component; manager and two init Jobs use `default`", async () => {
    assert.deepEqual(
      facts(await render(), (pod) => pod.serviceAccountName),
      {
        "pulsar-zookeeper": "pulsar-zookeeper",
        "pulsar-bookie": "pulsar-bookie",
        "pulsar-recovery": "pulsar-recovery",
        "pulsar-broker": "pulsar-broker-acct",
        "pulsar-proxy": "pulsar-proxy",
        "pulsar-toolset": "pulsar-toolset",
        "pulsar-pulsar-manager": undefined,
        "pulsar-bookie-init": "pulsar-bookie",
        "pulsar-pulsar-init": undefined,
        "pulsar-pulsar-manager-init": undefined,
      },
    );
  });

  test("write to their volumes as group root if they have any, and brokers too", async () => {
    const groups = facts(await render(), (pod) => pod.securityContext?.fsGroup);
    const rooted = Object.entries(groups).filter(([, group]) => group === 0);
    assert.deepEqual(rooted.map(([name]) => name).sort(), ["pulsar-bookie", "pulsar-broker", "pulsar-zookeeper"]);
  });
});

describe("monitoring", () => {
  test("PodMonitors are enabled by default, although a plain cluster lacks the kind", async () => {
    const monitors = (await render()).all("PodMonitor");
    assert.deepEqual(new Set(monitors.map(({ apiVersion }) => apiVersion)), new Set(["monitoring.coreos.com/v1"]));
    assert.deepEqual(
      monitors.map(({ spec }) => [spec.selector.matchLabels["component"], spec.podMetricsEndpoints[0]?.port]).sort(),
      [
        ["bookie", "http"],
        ["broker", "http"],
        ["proxy", "sts-http"],
        ["recovery", "http"],
        ["zookeeper", "http"],
      ],
    );
  });

  test("without them, all APIs exist in all supported clusters, and the pods have annotations for Prometheus", async () => {
    const scraped = (rendered: Rendered) =>
      Object.fromEntries(
        rendered
          .all("StatefulSet")
          .map(({ metadata, spec }) => [
            metadata?.name ?? "",
            spec?.template.metadata?.annotations?.["prometheus.io/port"],
          ]),
      );
    const off = await render(forEach(monitoredKeys, { podMonitor: { enabled: false } }));
    assert.deepEqual(off.apiVersions, ["apps/v1", "batch/v1", "policy/v1", "rbac.authorization.k8s.io/v1", "v1"]);
    assert.deepEqual(scraped(off), {
      "pulsar-zookeeper": "8000",
      "pulsar-bookie": "8000",
      "pulsar-recovery": "8000",
      "pulsar-broker": "8080",
      "pulsar-proxy": "8080",
      "pulsar-toolset": undefined,
      "pulsar-pulsar-manager": undefined,
    });
    assert.deepEqual(new Set(Object.values(scraped(await render()))), new Set([undefined]));
  });

  test("quirk: all except ZooKeeper's are created even without their component", async () => {
    const components = Object.fromEntries(monitoredKeys.map((key) => [key, false]));
    assert.deepEqual((await render({ components })).names("PodMonitor"), [
      "pulsar-autorecovery",
      "pulsar-bookkeeper",
      "pulsar-broker",
      "pulsar-proxy",
    ]);
  });

  test("PodDisruptionBudgets have policy/v1", async () => {
    const budgets = (await render()).all("PodDisruptionBudget");
    assert.deepEqual(new Set(budgets.map(({ apiVersion }) => apiVersion)), new Set(["policy/v1"]));
    const budgeted = ["zookeeper", "bookkeeper", "broker", "proxy"];
    assert.deepEqual((await render(forEach(budgeted, { pdb: { usePolicy: false } }))).names("PodDisruptionBudget"), []);
  });
});

describe("volumes", () => {
  test("the manager has a tenth claim, also of a class that the chart does not create", async () => {
    const rendered = await render({ ...localStorage, bookkeeper: { replicaCount: 3 } });
    const numbered = (template: string, set: string) => [0, 1, 2].map((i) => `pulsar-${template}-pulsar-${set}-${i}`);
    assert.deepEqual(rendered.all("StatefulSet").flatMap(claimNames).sort(), [
      ...numbered("bookie-journal", "bookie"),
      ...numbered("bookie-ledgers", "bookie"),
      "pulsar-pulsar-manager-data-pulsar-pulsar-manager-0",
      ...numbered("zookeeper-data", "zookeeper"),
    ]);
    assert.deepEqual(new Set(Object.values(storageClasses(rendered))), new Set(["local-storage"]));
    assert.deepEqual(rendered.names("StorageClass"), []);
  });

  test("claim sizes are 10Gi, 50Gi, 128Mi and 20Gi by default", async () => {
    const sizes = (await render())
      .all("StatefulSet")
      .flatMap(({ spec }) => spec?.volumeClaimTemplates ?? [])
      .map(({ metadata, spec }) => [metadata?.name, spec?.resources?.requests?.["storage"]]);
    assert.deepEqual(sizes.sort(), [
      ["pulsar-bookie-journal", "10Gi"],
      ["pulsar-bookie-ledgers", "50Gi"],
      ["pulsar-pulsar-manager-data", "128Mi"],
      ["pulsar-zookeeper-data", "20Gi"],
    ]);
  });

  const own = { provisioner: "example.com/disk", type: "ssd", fsType: "xfs" };
  const journal = (settings: Values): Values => ({ bookkeeper: { volumes: { journal: settings } } });
  const classRules: [string, Values, string | undefined, string[]][] = [
    ["the cluster's default, if nothing is said", {}, undefined, []],
    ["local-storage, if both switches say local", localStorage, "local-storage", []],
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
    "volumes.persistence": [{ volumes: { persistence: false } }, ["data", "data", "journal", "ledgers"], 0],
    "pulsar_manager.volumes.persistence": [{ pulsar_manager: { volumes: { persistence: false } } }, ["data"], 3],
    "the older persistence, which forgets ZooKeeper's volume": [
      { persistence: false },
      ["data", "journal", "ledgers"],
      0,
    ],
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
  const superUsers = { manager: "manager-admin" };
  const authorization = { enabled: true };

  test("needs jwt.enabled: with the `provider` of chart 2.7.7, authentication is enabled without a provider", async () => {
    const auth = { authentication: { enabled: true, provider: "jwt" }, authorization };
    const rendered = await render({ auth });
    const broker = data(rendered, "pulsar-broker");
    assert.equal(broker["authenticationEnabled"], "true");
    assert.equal(broker["authenticationProviders"], undefined);
    assert.deepEqual(new Set(Object.values(byWorkload(rendered, mountedSecrets)).flat()), new Set());
  });

  test("configures broker, proxy, toolset and manager", async () => {
    const rendered = await render(jwt);
    const server = {
      authenticationEnabled: "true",
      authenticationProviders: "org.apache.pulsar.broker.authentication.AuthenticationProviderToken",
      brokerClientAuthenticationPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
      tokenPublicKey: "file:///pulsar/keys/token/public.key",
    };
    const expected: Record<string, Record<string, string>> = {
      broker: {
        ...server,
        authorizationEnabled: "true",
        brokerClientAuthenticationParameters: "file:///pulsar/tokens/broker/token",
      },
      proxy: {
        ...server,
        authorizationEnabled: "false",
        forwardAuthorizationCredentials: "true",
        brokerClientAuthenticationParameters: "file:///pulsar/tokens/proxy/token",
      },
      toolset: {
        authPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
        authParams: "file:///pulsar/tokens/client/token",
      },
      "pulsar-manager": {
        PRIVATE_KEY: "file:///pulsar-manager/keys/token/private.key",
        PUBLIC_KEY: "file:///pulsar-manager/keys/token/public.key",
      },
    };
    for (const [name, keys] of Object.entries(expected)) {
      const found = Object.entries(data(rendered, `pulsar-${name}`)).filter(([key]) =>
        /^(auth|brokerClientAuth|token|forwardAuth|PRIVATE_KEY|PUBLIC_KEY|SECRET_KEY)/.test(key),
      );
      assert.deepEqual(Object.fromEntries(found), keys);
    }
  });

  const roleRules: [string, Values, Record<string, string | undefined>][] = [
    [
      "the proxy is a proxy and not its own super user; without a role the manager is none",
      {},
      { proxyRoles: "proxy-admin", broker: "admin,broker-admin,proxy-admin", proxy: "admin,broker-admin" },
    ],
    [
      "the manager joins by its role",
      { superUsers },
      {
        proxyRoles: "proxy-admin",
        broker: "admin,broker-admin,manager-admin,proxy-admin",
        proxy: "admin,broker-admin,manager-admin",
      },
    ],
    [
      "without useProxyRoles the proxy is a super user",
      { useProxyRoles: false },
      { proxyRoles: undefined, broker: "admin,broker-admin,proxy-admin", proxy: "admin,broker-admin,proxy-admin" },
    ],
  ];
  for (const [rule, auth, expected] of roleRules) {
    test(`roles, sorted: ${rule}`, async () => {
      const rendered = await render({ auth: { authentication: jwtOn, authorization, ...auth } });
      const { proxyRoles, superUserRoles: broker } = data(rendered, "pulsar-broker");
      assert.deepEqual({ proxyRoles, broker, proxy: data(rendered, "pulsar-proxy")["superUserRoles"] }, expected);
    });
  }

  const publicKey = "pulsar-token-asymmetric-key PUBLICKEY /pulsar/keys/token/public.key";
  const secretKey = "pulsar-token-symmetric-key SECRETKEY /pulsar/keys/token/secret.key";
  const expectedSecrets: Record<string, [boolean, string, string[]]> = {
    asymmetric: [
      false,
      publicKey,
      ["PRIVATEKEY token/private.key", "PUBLICKEY token/public.key"].map((key) => {
        return `pulsar-token-asymmetric-key ${key.replace(" ", " /pulsar-manager/keys/")}`;
      }),
    ],
    symmetric: [true, secretKey, [secretKey.replace("/pulsar/keys", "/pulsar-manager/keys")]],
  };
  for (const [form, [usingSecretKey, key, managerKeys]] of Object.entries(expectedSecrets)) {
    test(`uses the Secrets of the ${form} form; the manager uses the signing key`, async () => {
      const auth = { authentication: { enabled: true, jwt: { enabled: true, usingSecretKey } }, authorization };
      const mounted = byWorkload(await render({ auth }), mountedSecrets);
      assert.deepEqual(Object.fromEntries(Object.entries(mounted).filter(([, secrets]) => secrets.length > 0)), {
        "pulsar-broker": [key, "pulsar-token-broker-admin TOKEN /pulsar/tokens/broker/token"],
        "pulsar-proxy": [key, "pulsar-token-proxy-admin TOKEN /pulsar/tokens/proxy/token"],
        "pulsar-toolset": ["pulsar-token-admin TOKEN /pulsar/tokens/client/token"],
        "pulsar-pulsar-manager": managerKeys,
      });
    });
  }

  test("the manager has the token of its role, if there is one", async () => {
    const token = async (auth: Values) => {
      const rendered = await render({ auth: { authentication: jwtOn, ...auth } });
      return environment(podSpec(rendered.one("StatefulSet", "pulsar-pulsar-manager")))["JWT_TOKEN"];
    };
    assert.equal(await token({}), undefined);
    assert.equal(await token({ superUsers }), "pulsar-token-manager-admin TOKEN");
    assert.equal(await token({ superUsers, authentication: { enabled: true } }), undefined);
  });
});

describe("configuration", () => {
  test("configData is merged with the component's defaults and loaded as environment", async () => {
    const rendered = await render({ proxy: { configData: { PULSAR_PREFIX_authenticateMetricsEndpoint: "false" } } });
    const proxy = data(rendered, "pulsar-proxy");
    assert.equal(proxy["PULSAR_PREFIX_authenticateMetricsEndpoint"], "false");
    assert.match(proxy["PULSAR_MEM"] ?? "", /-Xmx128m/);
    for (const set of rendered.all("StatefulSet")) {
      const envFrom = [{ configMapRef: { name: set.metadata?.name } }];
      assert.deepEqual(podSpec(set).containers[0]?.envFrom, envFrom);
    }
  });

  test("quirk: a key that the template also writes is duplicated, and configData takes precedence", async () => {
    const rendered = await render({ autorecovery: { configData: { metadataServiceUri: "" } } });
    assert.deepEqual(rendered.repeatedKeys, ["metadataServiceUri"]);
    assert.equal(data(rendered, "pulsar-recovery")["metadataServiceUri"], "");
  });

  test("metadata has a URI, under metadataPrefix", async () => {
    const rendered = await render({ metadataPrefix: "/main" });
    const { metadataStoreUrl, bookkeeperMetadataServiceUri } = data(rendered, "pulsar-broker");
    const ledgers = "zk+hierarchical://pulsar-zookeeper:2181/main/ledgers";
    assert.deepEqual([metadataStoreUrl, bookkeeperMetadataServiceUri], ["zk:pulsar-zookeeper:2181/main", ledgers]);
    const { metadataServiceUri, zkServers } = data(rendered, "pulsar-bookie");
    assert.deepEqual([metadataServiceUri, zkServers], [ledgers, ""]);
  });

  test("the brokers wait for as many bookies as the ensemble size", async () => {
    const rendered = await render({ broker: { configData: { managedLedgerDefaultEnsembleSize: "5" } } });
    const waiting = podSpec(rendered.one("StatefulSet", "pulsar-broker")).initContainers?.at(-1);
    assert.match(waiting?.args?.join() ?? "", /-ge 5 \]/);
  });

  test("the broker's role is namespaced, or cluster-wide with rbac.limit_to_namespace: false", async () => {
    const rendered = await render({ rbac: { limit_to_namespace: false } });
    assert.deepEqual(rendered.names("ClusterRole"), ["pulsar-broker-clusterrole"]);
    assert.deepEqual(rendered.names("ClusterRoleBinding"), ["pulsar-broker-clusterrolebinding"]);
    assert.deepEqual((await render()).names("ClusterRole"), []);
  });
});

describe("the manager", () => {
  const accounts = (rendered: Rendered): Record<string, Record<string, string>> => ({
    database: environment(podSpec(rendered.one("StatefulSet", "pulsar-pulsar-manager"))),
    login: environment(podSpec(rendered.one("Job", "pulsar-pulsar-manager-init"))),
  });
  const from = (secret: string) => ({
    database: { USERNAME: `${secret} DB_USERNAME`, PASSWORD: `${secret} DB_PASSWORD` },
    login: { USERNAME: `${secret} UI_USERNAME`, PASSWORD: `${secret} UI_PASSWORD` },
  });

  test("has its database account from the chart's Secret; the Job creates the account for logins", async () => {
    const admin = { ui_username: "a", ui_password: "not a real one", db_username: "b", db_password: "nor this one" };
    const rendered = await render({ pulsar_manager: { admin } });
    assert.deepEqual(accounts(rendered), from("pulsar-pulsar-manager-secret"));
    assert.deepEqual(decoded(rendered.one("Secret", "pulsar-pulsar-manager-secret").data), {
      UI_USERNAME: "a",
      UI_PASSWORD: "not a real one",
      DB_USERNAME: "b",
      DB_PASSWORD: "nor this one",
    });
  });

  test("quirk: passwords that are not set change at each render, and only a label keeps the Secret", async () => {
    const passwords = async () => {
      const { metadata, data: secret } = (await render()).one("Secret", "pulsar-pulsar-manager-secret");
      assert.equal(metadata?.labels?.["helm.sh/resource-policy"], "keep");
      assert.equal(metadata.annotations, undefined);
      const { UI_PASSWORD = "", DB_PASSWORD = "" } = decoded(secret);
      assert.deepEqual([UI_PASSWORD.length, DB_PASSWORD.length], [32, 32]);
      return [UI_PASSWORD, DB_PASSWORD];
    };
    assert.equal(new Set([...(await passwords()), ...(await passwords())]).size, 4);
  });

  test("admin.existingSecret replaces the chart's Secret", async () => {
    const rendered = await render({ pulsar_manager: { admin: { existingSecret: "prepared" } } });
    assert.deepEqual(rendered.names("Secret"), []);
    assert.deepEqual(accounts(rendered), from("prepared"));
  });
});

describe("services", () => {
  test("types and ports: none is a LoadBalancer; ZooKeeper and broker have an additional headless one", async () => {
    const found = (await render()).all("Service").map(({ metadata, spec }) => {
      const type = spec?.clusterIP === "None" ? "headless" : (spec?.type ?? "ClusterIP");
      return [metadata?.name, type, (spec?.ports ?? []).map(({ port }) => port)];
    });
    assert.deepEqual(found.sort(), [
      ["pulsar-bookie", "headless", [3181, 8000]],
      ["pulsar-broker", "ClusterIP", [8080, 6650]],
      ["pulsar-broker-headless", "headless", [8080, 6650]],
      ["pulsar-proxy", "ClusterIP", [80, 6650]],
      ["pulsar-pulsar-manager", "ClusterIP", [9527]],
      ["pulsar-pulsar-manager-admin", "ClusterIP", [7750]],
      ["pulsar-recovery", "headless", [8000]],
      ["pulsar-toolset", "headless", []],
      ["pulsar-zookeeper", "ClusterIP", [8000, 2181]],
      ["pulsar-zookeeper-headless", "headless", [8000, 2888, 3888, 2181]],
    ]);
  });

  test("the proxy listens on ports above 1024, with port 80 on the Service", async () => {
    const rendered = await render();
    const { containers } = podSpec(rendered.one("StatefulSet", "pulsar-proxy"));
    assert.deepEqual(
      containers[0]?.ports?.map(({ name, containerPort }) => [name, containerPort]),
      [
        ["sts-http", 8080],
        ["sts-pulsar", 6650],
      ],
    );
    const ports = rendered.one("Service", "pulsar-proxy").spec?.ports;
    assert.deepEqual(
      ports?.map(({ targetPort }) => targetPort),
      ["sts-http", "sts-pulsar"],
    );
    assert.equal(data(rendered, "pulsar-proxy")["webServicePort"], "8080");
  });

  test("NodePorts can be set, as strings", async () => {
    const service = (http: unknown): Values => ({ proxy: { service: { type: "NodePort", nodePorts: { http } } } });
    const { spec } = (await render(service("30080"))).one("Service", "pulsar-proxy");
    assert.deepEqual([spec?.type, spec?.ports?.map(({ nodePort }) => nodePort)], ["NodePort", [30080, undefined]]);
    await assert.rejects(render(service(30080)), /incompatible types for comparison/);
  });

  test("bookies, ZooKeepers and brokers have addresses before they are ready", async () => {
    const early = (await render()).all("Service").filter(({ spec }) => spec?.publishNotReadyAddresses === true);
    assert.deepEqual(early.map(({ metadata }) => metadata?.name).sort(), [
      "pulsar-bookie",
      "pulsar-broker-headless",
      "pulsar-zookeeper-headless",
    ]);
  });
});

describe("initialize", () => {
  const jobs = (rendered: Rendered) => rendered.names("Job").filter((name) => name.endsWith("-init"));

  const rules: [string, () => Promise<Rendered>, string[]][] = [
    ["by default with the first install", () => render(), initJobs],
    ["not with an upgrade", () => upgrade(), []],
    ["with each by `initialize`", () => upgrade({ initialize: true }), initJobs],
    ["with none by useReleaseStatus: false", () => render({ useReleaseStatus: false }), []],
  ];
  for (const [rule, rendered, expected] of rules) {
    test(`three Jobs: ${rule}`, async () => {
      assert.deepEqual(jobs(await rendered()), expected);
    });
  }

  test("plain Jobs whose pods are restarted, and which are deleted after job.ttl", async () => {
    const spec = async (values: Values) =>
      (await render(values))
        .all("Job")
        .filter(({ metadata }) => metadata?.name?.endsWith("-init"))
        .map(({ metadata, spec }) => [
          metadata?.annotations,
          spec?.template.spec?.restartPolicy,
          spec?.ttlSecondsAfterFinished,
        ]);
    assert.deepEqual(await spec({}), Array(3).fill([undefined, "OnFailure", undefined]));
    const job = { ttl: { enabled: true }, annotations: { mine: "kept" } };
    assert.deepEqual(await spec({ job }), Array(3).fill([{ mine: "kept" }, "OnFailure", 3600]));
  });

  test("a failure to initialize the cluster's metadata fails the Job", async () => {
    const job = (await render()).one("Job", "pulsar-pulsar-init");
    const script = podSpec(job).containers[0]?.args?.join() ?? "";
    assert.match(script, /initialize-cluster-metadata/);
    assert.doesNotMatch(script, /\|\| true/);
  });

  for (const [component, job] of Object.entries({
    bookkeeper: "pulsar-bookie-init",
    broker: "pulsar-pulsar-init",
    pulsar_manager: "pulsar-pulsar-manager-init",
  })) {
    test(`without ${component}, its Job is omitted`, async () => {
      const left = jobs(await render({ components: { [component]: false } }));
      assert.deepEqual(
        left,
        initJobs.filter((name) => name !== job),
      );
    });
  }
});

describe("hooks", () => {
  const hooks = (rendered: Rendered): string[][] =>
    (["ServiceAccount", "Role", "RoleBinding", "Job"] as const).flatMap((kind) =>
      rendered.all(kind).flatMap(({ metadata }) => {
        const { "helm.sh/hook": hook, "helm.sh/hook-weight": weight } = metadata?.annotations ?? {};
        return hook === undefined ? [] : [[kind, metadata?.name ?? "", hook, weight ?? ""]];
      }),
    );

  test("before every upgrade, the StatefulSets of older charts are deleted", async () => {
    const ofEach = (kind: string, weight: string) => hookJobs.map((name) => [kind, name, "pre-upgrade", weight]);
    assert.deepEqual(
      hooks(await upgrade()).sort(),
      [
        ...ofEach("ServiceAccount", "-10"),
        ...ofEach("Role", "-10"),
        ...ofEach("RoleBinding", "-10"),
        ...ofEach("Job", "0"),
      ].sort(),
    );
  });

  test("unless statefulsetUpgrade.enabled is false", async () => {
    const off = forEach(["zookeeper", "broker"], { statefulsetUpgrade: { enabled: false } });
    assert.deepEqual(hooks(await upgrade(off)), []);
  });
});

describe("with this program's own values", () => {
  test("nothing is refused, there are no hooks, and all kinds are known to every cluster", async () => {
    const values = chartLine("4.7.0").values(clusterOf("4.7.0"));
    const rendered = await chart4.render(values);
    assert.deepEqual(rendered.apiVersions, ["apps/v1", "batch/v1", "policy/v1", "rbac.authorization.k8s.io/v1", "v1"]);
    assert.deepEqual(rendered.names("Job"), initJobs);
    assert.deepEqual(rendered.names("Secret"), []);
    assert.equal(rendered.all("StatefulSet").flatMap(claimNames).length, 9);
  });
});
