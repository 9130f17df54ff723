/** Facts about chart 4.7.0 that chart 2.7.7 does not share. The rest is in charts.rehearsal.test.ts. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chartLine } from "../../../model/charts/lines.ts";
import { clusterOf } from "../../model/charts/clusterOf.ts";
import { decoded, environment, forEach, podSpec, Rendered, standIns, type Values } from "./chartRender.ts";

const { render, template } = standIns["4.7.0"];

/** Renders an upgrade instead of a first install. */
const upgrade = (values: Values = {}) => render(values, "pulsar", ["--is-upgrade"]);

const jwtOn = { enabled: true, jwt: { enabled: true } };
const monitoredKeys = ["zookeeper", "bookkeeper", "autorecovery", "broker", "proxy"];
const initJobs = ["pulsar-bookie-init", "pulsar-pulsar-init", "pulsar-pulsar-manager-init"];
const hookJobs = ["pulsar-broker-sts-cleanup", "pulsar-zookeeper-sts-cleanup"];
const isHook = (name: string) => hookJobs.includes(name);

test("is refused by Helm on Kubernetes below 1.25", async () => {
  await render({}, "pulsar", ["--kube-version", "1.25.0"]);
  await assert.rejects(render({}, "pulsar", ["--kube-version", "1.24.17"]), /requires kubeVersion: >=1.25.0-0/);
});

test("with TLS, needs the names of the CA's issuer and Secret, like the original", async () => {
  const components = forEach(["zookeeper", "bookie", "broker", "proxy"], { enabled: true });
  await assert.rejects(
    render({ tls: { enabled: true, ...components } }),
    /certs.issuers.ca.\w+ is required when TLS is enabled and certs.internal_issuer.enabled is false/,
  );
});

test("the manager is off by default", async () => {
  const rendered = await render({ components: { pulsar_manager: undefined } });
  assert.ok(!rendered.names("StatefulSet").includes("pulsar-pulsar-manager"));
});

describe("pods", () => {
  test("have the Service of their name, ZooKeepers and brokers an additional headless one", async () => {
    for (const { metadata, spec } of (await render()).all("StatefulSet")) {
      const name = metadata?.name ?? "";
      const headless = ["pulsar-broker", "pulsar-zookeeper"].includes(name);
      assert.equal(spec?.serviceName, headless ? `${name}-headless` : name);
    }
  });

  test("quirk: pulsar-init has a duplicate nodeSelector", async () => {
    const nodeSelector = { "node-role.kubernetes.io/pulsar": "pulsar" };
    assert.deepEqual((await render({ pulsar_metadata: { nodeSelector } })).repeatedKeys, ["nodeSelector"]);
  });

  test("use priorityClassName and topologySpreadConstraints, except for the Jobs", async () => {
    const topologySpreadConstraints = [{ topologyKey: "zone", maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" }];
    const settings = { priorityClassName: "high", topologySpreadConstraints };
    const keys = [...monitoredKeys, "toolset", "pulsar_manager", "pulsar_metadata"];
    for (const workload of (await render(forEach(keys, settings))).workloads) {
      const { priorityClassName, topologySpreadConstraints } = podSpec(workload);
      const found = [priorityClassName, topologySpreadConstraints];
      assert.deepEqual(found, workload.kind === "Job" ? [undefined, undefined] : Object.values(settings));
    }
  });

  test("have anti-affinity by another topology key", async () => {
    const rendered = await render({ bookkeeper: { affinity: { anti_affinity_topology_key: "zone" } } });
    const { podAntiAffinity } = podSpec(rendered.one("StatefulSet", "pulsar-bookie")).affinity ?? {};
    const terms = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    assert.deepEqual(
      terms?.map(({ topologyKey }) => topologyKey),
      ["zone"],
    );
  });

  test("use one image, except for the manager and the hooks", async () => {
    const used = async (values: Values) =>
      (await render(values)).byWorkload(({ containers, initContainers }) =>
        [...new Set([...(initContainers ?? []), ...containers].map(({ image }) => image))].join(),
      );
    const expected = (names: string[], pulsar: string, kubectl: string) =>
      Object.fromEntries(
        names.map((name) => {
          if (isHook(name)) return [name, kubectl];
          return [name, name === "pulsar-pulsar-manager" ? "apachepulsar/pulsar-manager:v0.4.0" : pulsar];
        }),
      );
    const defaults = await used({});
    const names = Object.keys(defaults);
    assert.deepEqual(defaults, expected(names, "apachepulsar/pulsar-all:4.0.12", "alpine/k8s:1.32.12"));
    const own = {
      ...{ defaultPulsarImageRepository: "registry.example/pulsar", defaultPulsarImageTag: "4.0.1" },
      images: { kubectl: { repository: "registry.example/k8s" } },
    };
    assert.deepEqual(await used(own), expected(names, "registry.example/pulsar:4.0.1", "registry.example/k8s:1.32.12"));
    const toolset = await used({ images: { broker: { repository: "broker" }, toolset: { repository: "tools" } } });
    assert.equal(toolset["pulsar-toolset"], "tools:4.0.12");
  });

  test("have init containers with requests for memory and CPU", async () => {
    const waiting = (await render()).workloads.flatMap((workload) => podSpec(workload).initContainers ?? []);
    for (const { resources } of waiting) assert.deepEqual(resources?.requests, { memory: "256Mi", cpu: 0.1 });
  });

  test("write to their volumes as group root if they have any, and brokers too", async () => {
    const groups = (await render()).byWorkload((pod) => pod.securityContext?.fsGroup);
    const rooted = Object.entries(groups).filter(([, group]) => group === 0);
    assert.deepEqual(rooted.map(([name]) => name).sort(), ["pulsar-bookie", "pulsar-broker", "pulsar-zookeeper"]);
  });
});

describe("monitoring", () => {
  test("PodMonitors are enabled by default, although a plain cluster lacks the kind, and replace the annotations", async () => {
    const rendered = await render();
    const monitors = rendered.all("PodMonitor");
    assert.deepEqual(new Set(monitors.map(({ apiVersion }) => apiVersion)), new Set(["monitoring.coreos.com/v1"]));
    const ports = monitors.map(({ spec }) => [
      spec.selector.matchLabels["component"] ?? "",
      spec.podMetricsEndpoints[0]?.port,
    ]);
    assert.deepEqual(Object.fromEntries(ports), {
      bookie: "http",
      broker: "http",
      proxy: "sts-http",
      recovery: "http",
      zookeeper: "http",
    });
    for (const { spec } of rendered.workloads) {
      assert.equal(spec?.template.metadata?.annotations?.["prometheus.io/port"], undefined);
    }
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
    const versions = (await render()).all("PodDisruptionBudget").map(({ apiVersion }) => apiVersion);
    assert.deepEqual(versions, Array(4).fill("policy/v1"));
  });
});

describe("authentication", () => {
  const superUsers = { manager: "manager-admin" };
  const authorization = { enabled: true };

  test("needs jwt.enabled: with the `provider` of chart 2.7.7, authentication is enabled without a provider", async () => {
    const auth = { authentication: { enabled: true, provider: "jwt" }, authorization };
    const rendered = await render({ auth });
    const broker = rendered.data("pulsar-broker");
    assert.equal(broker["authenticationEnabled"], "true");
    assert.equal(broker["authenticationProviders"], undefined);
    assert.deepEqual(rendered.mountedSecrets(), {});
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
      const { proxyRoles, superUserRoles: broker } = rendered.data("pulsar-broker");
      assert.deepEqual({ proxyRoles, broker, proxy: rendered.data("pulsar-proxy")["superUserRoles"] }, expected);
    });
  }

  test("the manager has the token of its role, if there is one", async () => {
    const token = async (auth: Values) => {
      const rendered = await render({ auth: { authentication: jwtOn, ...auth } });
      return environment(rendered.one("StatefulSet", "pulsar-pulsar-manager"))["JWT_TOKEN"];
    };
    assert.equal(await token({}), undefined);
    assert.equal(await token({ superUsers }), "pulsar-token-manager-admin TOKEN");
    assert.equal(await token({ superUsers, authentication: { enabled: true } }), undefined);
  });
});

test("the broker's role is namespaced, or cluster-wide with rbac.limit_to_namespace: false", async () => {
  const rendered = await render({ rbac: { limit_to_namespace: false } });
  assert.deepEqual(rendered.names("ClusterRole"), ["pulsar-broker-clusterrole"]);
  assert.deepEqual(rendered.names("ClusterRoleBinding"), ["pulsar-broker-clusterrolebinding"]);
  assert.deepEqual((await render()).names("ClusterRole"), []);
});
describe("the manager", () => {
  const accounts = (rendered: Rendered): Record<string, Record<string, string>> => ({
    database: environment(rendered.one("StatefulSet", "pulsar-pulsar-manager")),
    login: environment(rendered.one("Job", "pulsar-pulsar-manager-init")),
  });
  const from = (secret: string) => ({
    database: { USERNAME: `${secret} DB_USERNAME`, PASSWORD: `${secret} DB_PASSWORD` },
    login: { USERNAME: `${secret} UI_USERNAME`, PASSWORD: `${secret} UI_PASSWORD` },
  });

  test("has its database account from the chart's Secret; the Job creates the account for logins", async () => {
    const admin = { ui_username: "a", ui_password: "not a real one", db_username: "b", db_password: "nor this one" };
    const rendered = await render({ pulsar_manager: { admin } });
    assert.deepEqual(accounts(rendered), from("pulsar-pulsar-manager-secret"));
    assert.deepEqual(decoded(rendered.one("Secret", "pulsar-pulsar-manager-secret")), {
      UI_USERNAME: "a",
      UI_PASSWORD: "not a real one",
      DB_USERNAME: "b",
      DB_PASSWORD: "nor this one",
    });
  });

  test("quirk: passwords that are not set change at each render, and only a label keeps the Secret", async () => {
    const values = { "victoria-metrics-k8s-stack": { enabled: false }, components: { pulsar_manager: true } };
    const passwords = async () => {
      const rendered = new Rendered(await template(values, "pulsar", "pulsar"));
      const secret = rendered.one("Secret", "pulsar-pulsar-manager-secret");
      assert.equal(secret.metadata?.labels?.["helm.sh/resource-policy"], "keep");
      assert.equal(secret.metadata.annotations, undefined);
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
    assert.equal(rendered.data("pulsar-proxy")["webServicePort"], "8080");
  });

  test("NodePorts can be set, as strings", async () => {
    const service = (http: unknown): Values => ({ proxy: { service: { type: "NodePort", nodePorts: { http } } } });
    const { spec } = (await render(service("30080"))).one("Service", "pulsar-proxy");
    assert.deepEqual([spec?.type, spec?.ports?.map(({ nodePort }) => nodePort)], ["NodePort", [30080, undefined]]);
    await assert.rejects(render(service(30080)), /incompatible types for comparison/);
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

test("with this program's own values, nothing is refused, there are no hooks, and every cluster knows all kinds", async () => {
  const values = chartLine("4.7.0").values(clusterOf("4.7.0"));
  const rendered = await render(values);
  assert.deepEqual(rendered.apiVersions, ["apps/v1", "batch/v1", "policy/v1", "rbac.authorization.k8s.io/v1", "v1"]);
  assert.deepEqual(rendered.names("Job"), initJobs);
  assert.deepEqual(rendered.names("Secret"), []);
  assert.deepEqual(Object.keys(rendered.claims()).sort(), [
    "pulsar-bookie-journal",
    "pulsar-bookie-ledgers",
    "pulsar-zookeeper-data",
  ]);
});
