/** Facts that the stand-ins for the charts 2.7.7 and 4.7.0 share with the originals. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { V1PodSpec, V1StatefulSetSpec } from "@kubernetes/client-node";
import { parse } from "yaml";
import { supportedChartVersions } from "../../../model/charts/lines.ts";
import { lines } from "./chartFacts.ts";
import { forEach, podSpec, type Rendered, standIns, type Values } from "./chartRender.ts";

const componentKeys = ["zookeeper", "bookkeeper", "autorecovery", "broker", "proxy", "toolset", "pulsar_manager"];
const required = "requiredDuringSchedulingIgnoredDuringExecution";

/** Whether the pods of a component have anti-affinity. */
const antiAffinity = ({ affinity }: V1PodSpec): string =>
  Object.keys(affinity?.podAntiAffinity ?? {})
    .map((type) => (type === required ? "required" : "preferred"))
    .join() || "none";

/** Authentication by tokens, in the form of either chart. */
const jwt = (usingSecretKey = false): Values => ({
  auth: {
    authentication: { enabled: true, provider: "jwt", jwt: { enabled: true, usingSecretKey } },
    authorization: { enabled: true },
  },
});

/** Compares rows with a table, whose first row has the names of the columns. Cells that are not set are a dash. */
function assertRows(found: (string | number | undefined)[][], table: string): void {
  const [, ...expected] = table.trim().split("\n");
  assert.deepEqual(
    found.map((row) => row.map((cell) => cell ?? "-").join(" ")).sort(),
    expected.map((row) => row.trim().replaceAll(/ +/g, " ")).sort(),
  );
}

for (const version of supportedChartVersions) {
  const line = lines[version];
  const chart = standIns[version];
  const { render } = chart;

  describe(`chart ${version}`, () => {
    test("has the original's version, and identifies itself as a stand-in", async () => {
      const about = parse(await readFile(join(chart.folder, "Chart.yaml"), "utf8")) as Record<string, string>;
      assert.deepEqual([about["apiVersion"], about["name"], about["version"], about["appVersion"]], line.about);
      assert.match(about["description"] ?? "", /stand-in for rehearsals, not the chart of the Apache Pulsar project/);
    });

    test("has no schema: an unknown key changes nothing", async () => {
      const monitoring = { prometheus: false, grafana: false };
      const off = { monitoring, "victoria-metrics-k8s-stack": { enabled: false } };
      assert.equal(
        await chart.template({ ...off, nonsense: 1, zookeeper: { toleration: [] } }, "pulsar", "pulsar"),
        await chart.template(off, "pulsar", "pulsar"),
      );
    });

    for (const [keys, values] of Object.entries(line.lacking)) {
      test(`refuses ${keys}, which the stand-in lacks`, async () => {
        await assert.rejects(render(values), {
          message: new RegExp(`stand-in for rehearsals .* switch off ${keys}\n`),
        });
      });
    }

    test("refuses TLS of some components only, which the stand-in lacks", async () => {
      const on = forEach(["zookeeper", "bookie", "broker"], { enabled: true });
      await assert.rejects(
        render({ tls: { enabled: true, ...on }, certs: { issuers: { ca: { name: "ca", secretName: "ca" } } } }),
        /stand-in for rehearsals .* tls.proxy.enabled differs from tls.enabled/,
      );
    });

    test("has monitoring enabled by default, like the original, so the values must disable it", async () => {
      await assert.rejects(chart.template({}, "pulsar", "pulsar"), {
        message: new RegExp(`switch off ${line.monitoring}\n`),
      });
    });

    const fullNames = { pulsar: "pulsar", foo: "foo-pulsar", "my-pulsar": "my-pulsar" };
    for (const [release, full] of Object.entries(fullNames)) {
      test(`release ${release}: objects are called ${full}-...`, async () => {
        const found = (await render({}, release)).objects.map(
          ({ kind, metadata }) => `${kind} ${metadata?.name ?? ""}`,
        );
        const expected = Object.entries(line.objects).flatMap(([kind, names]) =>
          names.split(" ").map((name) => `${kind} ${full}-${name}`),
        );
        assert.deepEqual(found.sort(), expected.sort());
      });
    }

    test("Secrets with keys and tokens carry the release's name alone", async () => {
      assert.deepEqual((await render(jwt(), "foo")).mountedSecrets()["foo-pulsar-broker"], [
        "foo-token-asymmetric-key PUBLICKEY /pulsar/keys/token/public.key",
        "foo-token-broker-admin TOKEN /pulsar/tokens/broker/token",
      ]);
    });

    const switches = {
      zookeeper: ["zookeeper"],
      bookkeeper: ["bookie"],
      autorecovery: ["recovery"],
      broker: ["broker", "pulsar-init"],
      proxy: ["proxy"],
      toolset: ["toolset"],
      pulsar_manager: ["pulsar-manager"],
    };
    for (const [component, labels] of Object.entries(switches)) {
      test(`components.${component}: false removes everything of the component, and its Jobs`, async () => {
        const labelsOf = async (values: Values) =>
          new Set((await render(values)).objects.map(({ metadata }) => metadata?.labels?.["component"] ?? ""));
        const expected = await labelsOf({});
        for (const label of expected)
          if (labels.some((start) => `${label}-`.startsWith(`${start}-`))) expected.delete(label);
        assert.deepEqual(await labelsOf({ components: { [component]: false } }), expected);
      });
    }
  });

  describe(`pods of chart ${version}`, () => {
    const nodeSelector = { "node-role.kubernetes.io/pulsar": "pulsar" };
    const tolerations = [{ key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" }];
    const limits = { memory: "4Gi" };
    const settings = {
      ...{ nodeSelector, tolerations, annotations: { mine: "kept" }, resources: { limits } },
      podMonitor: { enabled: false },
    };
    /** Renders the chart with all that can be said about every component. */
    const configured = async () => {
      const images = ["zookeeper", "bookie", "autorecovery", "broker", "proxy", "pulsar_manager"];
      return render({
        ...forEach(componentKeys, settings),
        bookkeeper: { ...settings, metadata: { resources: { limits } } },
        pulsar_metadata: { ...settings, image: { repository: "init", tag: "1" } },
        images: {
          imagePullSecrets: ["regsecret"],
          ...Object.fromEntries(images.map((name) => [name, { repository: name, tag: "1" }])),
        },
      });
    };

    test("have replicas, start order, anti-affinity, account, requests, metrics and images", async () => {
      const found = (await configured()).workloads.map((workload) => {
        const { replicas, podManagementPolicy } = workload.spec as Partial<V1StatefulSetSpec>;
        const pod = podSpec(workload);
        const { memory, cpu } = pod.containers[0]?.resources?.requests ?? {};
        const images = [...(pod.initContainers ?? []), ...pod.containers].map(({ image }) => image);
        return [
          workload.metadata?.name,
          replicas,
          podManagementPolicy,
          antiAffinity(pod),
          pod.serviceAccountName,
          memory,
          cpu,
          workload.spec?.template.metadata?.annotations?.["prometheus.io/port"],
          [...new Set(images)].join(),
        ];
      });
      assertRows(found, line.pods);
    });

    test("have labels, placement, pull secrets, annotations and limits, with the known exceptions", async () => {
      const rendered = await configured();
      const has = rendered.byWorkload((pod, { metadata, spec }) => {
        const { labels, annotations } = spec?.template.metadata ?? {};
        const component = metadata?.name?.replace("pulsar-", "");
        return {
          labels: [labels, { app: "pulsar", release: "pulsar", cluster: "pulsar", component }],
          placement: [pod.nodeSelector && [pod.nodeSelector, pod.tolerations], [nodeSelector, tolerations]],
          pullSecrets: [pod.imagePullSecrets, [{ name: "regsecret" }]],
          annotations: [annotations?.["mine"], "kept"],
          limits: [pod.containers[0]?.resources?.limits, limits],
        };
      });
      for (const [fact, exceptions] of Object.entries(line.without)) {
        for (const [workload, facts] of Object.entries(has)) {
          const [found, expected] = facts[fact as keyof typeof facts];
          assert.deepEqual(found, exceptions.includes(workload) ? undefined : expected, `${workload} ${fact}`);
        }
      }
    });

    test("replicaCount sets the replicas, except for the manager, which always has one", async () => {
      const { workloads } = await render(forEach(componentKeys, { replicaCount: 5 }));
      const counts = workloads.flatMap(({ metadata, spec }) =>
        spec && "replicas" in spec ? [[metadata?.name, spec.replicas]] : [],
      );
      const components = ["zookeeper", "bookie", "recovery", "broker", "proxy", "toolset"];
      const expected = components.map((name) => [`pulsar-${name}`, 5]);
      assert.deepEqual(counts.sort(), [...expected, ["pulsar-pulsar-manager", 1]].sort());
    });

    test("have anti-affinity by node; affinity.anti_affinity: false removes it, <component>.affinity changes one", async () => {
      const { podAntiAffinity } = podSpec((await render()).one("StatefulSet", "pulsar-bookie")).affinity ?? {};
      const selected = Object.entries({ app: "pulsar", release: "pulsar", component: "bookie" });
      assert.deepEqual(podAntiAffinity?.[required], [
        {
          topologyKey: "kubernetes.io/hostname",
          labelSelector: {
            matchExpressions: selected.map(([key, value]) => ({ key, operator: "In", values: [value] })),
          },
        },
      ]);
      const off = (await render({ affinity: { anti_affinity: false } })).byWorkload(antiAffinity);
      assert.deepEqual(new Set(Object.values(off)), new Set(["none"]));
      const own = await render({
        zookeeper: { affinity: { anti_affinity: false } },
        bookkeeper: { affinity: { type: "preferredDuringSchedulingIgnoredDuringExecution" } },
        broker: { affinity: { type: required } },
      });
      const of = own.byWorkload(antiAffinity);
      assert.deepEqual(
        [of["pulsar-zookeeper"], of["pulsar-bookie"], of["pulsar-broker"]],
        ["none", "preferred", "required"],
      );
    });

    test("wait in init containers for their dependencies", async () => {
      const waits = (await render()).byWorkload(({ initContainers }) =>
        (initContainers ?? []).map(({ name, command: [timeout, seconds] = [] }) =>
          timeout === "timeout" ? `${name} ${seconds ?? ""}` : name,
        ),
      );
      assert.deepEqual(
        Object.fromEntries(
          Object.entries(waits)
            .filter(([, names]) => names.length > 0)
            .map(([workload, names]) => [workload, names.join(", ")]),
        ),
        line.waits,
      );
    });
  });

  describe(`volumes of chart ${version}`, () => {
    const local: Values = { volumes: { local_storage: true } };
    const journal = (settings: Values): Values => ({ bookkeeper: { volumes: { journal: settings } } });

    test("have claims of these sizes by default", async () => {
      const sizes = Object.entries((await render()).claims()).map(([name, { size }]) => [name, size]);
      assert.deepEqual(Object.fromEntries(sizes), line.claims);
    });

    const classRules: [string, Values, string | undefined][] = [
      ["the cluster's default, if nothing is said", {}, undefined],
      ["local-storage, if both switches say local", local, "local-storage"],
      ["the default, if this volume is not local", { ...local, ...journal({ local_storage: false }) }, undefined],
      ["storageClassName before local", { ...local, ...journal({ storageClassName: "fast", size: "1Gi" }) }, "fast"],
    ];
    for (const [rule, values, expected] of classRules) {
      test(`class of a claim: ${rule}`, async () => {
        const { "pulsar-bookie-journal": claim, ...others } = (await render(values)).claims();
        assert.deepEqual(claim, { storageClass: expected, size: expected === "fast" ? "1Gi" : "10Gi" });
        const classes = new Set(Object.values(others).map(({ storageClass }) => storageClass));
        assert.deepEqual(classes, new Set(["volumes" in values ? "local-storage" : undefined]));
      });
    }

    const all = Object.keys(line.claims);
    const data = "pulsar-zookeeper-data";
    const unpersisted: [string, Values, string[], string[]][] = [
      ["volumes.persistence", { volumes: { persistence: false } }, all, all],
      ["zookeeper.volumes.persistence", { zookeeper: { volumes: { persistence: false } } }, [data], [data]],
      [
        "the older persistence, which forgets ZooKeeper's",
        { persistence: false },
        all.filter((name) => name !== data),
        all,
      ],
    ];
    for (const [key, values, emptyDirs, unclaimed] of unpersisted) {
      test(`are emptyDir instead of claims without ${key}`, async () => {
        const rendered = await render(values);
        const volumes = rendered.all("StatefulSet").flatMap((set) => podSpec(set).volumes ?? []);
        const found = volumes.filter(({ emptyDir }) => emptyDir).map(({ name }) => name);
        assert.deepEqual(found.sort(), emptyDirs);
        assert.deepEqual(
          Object.keys(rendered.claims()),
          all.filter((name) => !unclaimed.includes(name)),
        );
      });
    }

    test("of a bookie lose their data at each start without persistence", async () => {
      const start = async (persistence: boolean): Promise<string> => {
        const set = (await render({ volumes: { persistence } })).one("StatefulSet", "pulsar-bookie");
        return podSpec(set).initContainers?.[0]?.args?.join() ?? "";
      };
      assert.match(await start(false), /bookieformat .*-deleteCookie/);
      assert.doesNotMatch(await start(true), /bookieformat/);
    });
  });

  describe(`authentication of chart ${version}`, () => {
    test("is off by default: no keys and no mounted Secrets", async () => {
      const rendered = await render();
      assert.deepEqual(rendered.mountedSecrets(), {});
      for (const name of ["broker", "proxy", "toolset", "pulsar-manager"]) assert.deepEqual(keysOf(rendered, name), {});
    });

    test("configures broker, proxy, toolset and manager", async () => {
      const rendered = await render(jwt());
      const server = {
        authenticationEnabled: "true",
        authenticationProviders: "org.apache.pulsar.broker.authentication.AuthenticationProviderToken",
        brokerClientAuthenticationPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
        tokenPublicKey: "file:///pulsar/keys/token/public.key",
      };
      assert.deepEqual(keysOf(rendered, "broker"), {
        ...server,
        authorizationEnabled: "true",
        brokerClientAuthenticationParameters: "file:///pulsar/tokens/broker/token",
      });
      assert.deepEqual(keysOf(rendered, "proxy"), {
        ...server,
        authorizationEnabled: "false",
        forwardAuthorizationCredentials: "true",
        brokerClientAuthenticationParameters: "file:///pulsar/tokens/proxy/token",
      });
      assert.deepEqual(keysOf(rendered, "toolset"), {
        authPlugin: "org.apache.pulsar.client.impl.auth.AuthenticationToken",
        authParams: "file:///pulsar/tokens/client/token",
      });
      assert.deepEqual(keysOf(rendered, "pulsar-manager"), line.manager.config);
    });

    for (const form of ["asymmetric", "symmetric"] as const) {
      test(`uses the Secrets of the ${form} form`, async () => {
        const key =
          form === "symmetric"
            ? "pulsar-token-symmetric-key SECRETKEY /pulsar/keys/token/secret.key"
            : "pulsar-token-asymmetric-key PUBLICKEY /pulsar/keys/token/public.key";
        const manager = line.manager[form];
        assert.deepEqual((await render(jwt(form === "symmetric"))).mountedSecrets(), {
          "pulsar-broker": [key, "pulsar-token-broker-admin TOKEN /pulsar/tokens/broker/token"],
          "pulsar-proxy": [key, "pulsar-token-proxy-admin TOKEN /pulsar/tokens/proxy/token"],
          "pulsar-toolset": ["pulsar-token-admin TOKEN /pulsar/tokens/client/token"],
          ...(manager.length > 0 && { "pulsar-pulsar-manager": manager }),
        });
      });
    }
  });

  describe(`configuration of chart ${version}`, () => {
    test("is configData merged with the component's defaults, and the containers load it as environment", async () => {
      const rendered = await render({ proxy: { configData: { PULSAR_PREFIX_authenticateMetricsEndpoint: "false" } } });
      const proxy = rendered.data("pulsar-proxy");
      assert.equal(proxy["PULSAR_PREFIX_authenticateMetricsEndpoint"], "false");
      assert.match(proxy["PULSAR_MEM"] ?? "", /-Xmx/);
      for (const workload of [...rendered.all("StatefulSet"), ...rendered.all("Deployment")]) {
        const envFrom = [{ configMapRef: { name: workload.metadata?.name } }];
        assert.deepEqual(podSpec(workload).containers[0]?.envFrom, envFrom);
      }
    });

    test("sets the memory as PULSAR_MEM, but as BOOKIE_MEM for autorecovery, and not for the manager", async () => {
      const rendered = await render();
      const memoryKeys = (name: string) => Object.keys(rendered.data(name)).filter((key) => key.endsWith("_MEM"));
      for (const name of ["zookeeper", "bookie", "broker", "proxy", "toolset"]) {
        assert.deepEqual(memoryKeys(`pulsar-${name}`), ["PULSAR_MEM"]);
      }
      assert.deepEqual(memoryKeys("pulsar-recovery"), ["BOOKIE_MEM"]);
      assert.deepEqual(memoryKeys("pulsar-pulsar-manager"), []);
    });

    test("makes the brokers wait for as many bookies as the ensemble size", async () => {
      const rendered = await render({ broker: { configData: { managedLedgerDefaultEnsembleSize: "5" } } });
      const waiting = podSpec(rendered.one("StatefulSet", "pulsar-broker")).initContainers?.at(-1);
      assert.match(waiting?.args?.join() ?? "", /-ge 5 \]/);
    });

    test("quirk: has a key twice if the template also writes it, and configData takes precedence", async () => {
      const { component, configMap, key } = line.repeated;
      const rendered = await render({ [component]: { configData: { [key]: "4" } } });
      assert.deepEqual(rendered.repeatedKeys, [key]);
      assert.equal(rendered.data(configMap)[key], "4");
      assert.deepEqual((await render()).repeatedKeys, []);
    });

    test("has metadataPrefix in the addresses of the metadata", async () => {
      const rendered = await render({ metadataPrefix: "/main" });
      for (const [place, expected] of Object.entries(line.metadata)) {
        const [configMap = "", key = ""] = place.split(" ");
        assert.equal(rendered.data(configMap)[key], expected, place);
      }
    });
  });

  describe(`other objects of chart ${version}`, () => {
    test("Services have types and ports, and some have addresses of pods that are not ready", async () => {
      const found = (await render())
        .all("Service")
        .map(({ metadata, spec }) => [
          metadata?.name,
          spec?.clusterIP === "None" ? "headless" : (spec?.type ?? "ClusterIP"),
          spec?.ports?.map(({ port }) => port).join(),
          spec?.publishNotReadyAddresses === true ? "yes" : "no",
        ]);
      assertRows(found, line.services);
    });

    test("<component>.service.type sets the type of a Service", async () => {
      const rendered = await render(forEach(["proxy", "pulsar_manager"], { service: { type: "NodePort" } }));
      const set = rendered.all("Service").filter(({ spec }) => spec?.type === "NodePort");
      assert.deepEqual(set.map(({ metadata }) => metadata?.name).sort(), ["pulsar-proxy", "pulsar-pulsar-manager"]);
    });

    test("PodDisruptionBudgets allow one pod to be missing, and can be disabled", async () => {
      for (const { spec } of (await render()).all("PodDisruptionBudget")) assert.equal(spec?.maxUnavailable, 1);
      const off = forEach(["zookeeper", "bookkeeper", "broker", "proxy"], { pdb: { usePolicy: false } });
      assert.deepEqual((await render(off)).names("PodDisruptionBudget"), []);
    });

    test("all APIs exist in all supported clusters, except those of monitoring and budgets", async () => {
      const off = { pdb: { usePolicy: false }, podMonitor: { enabled: false } };
      const { apiVersions } = await render(forEach(componentKeys, off));
      assert.deepEqual(apiVersions, ["apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "v1"]);
    });
  });
}

/** The keys of authentication in the ConfigMap of a component. */
function keysOf(rendered: Rendered, component: string): Record<string, string> {
  const ofAuthentication = /^(auth|brokerClientAuth|token|forwardAuth|PRIVATE_KEY|PUBLIC_KEY|SECRET_KEY)/;
  const entries = Object.entries(rendered.data(`pulsar-${component}`));
  return Object.fromEntries(entries.filter(([key]) => ofAuthentication.test(key)));
}
