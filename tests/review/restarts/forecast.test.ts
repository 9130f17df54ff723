import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { KubernetesObject, PlannedResource, StackPlan } from "../../../review/plan.ts";
import { certificateRollout, tokenRollout } from "../../../resources/kubernetes/secretRollout.ts";
import { forecastRestarts } from "../../../review/restarts/forecast.ts";
import { emptyPlan, resource } from "../plans.ts";

interface Options {
  kind?: "StatefulSet" | "Deployment";
  replicas?: number;
  image?: string;
  annotations?: Record<string, string>;
  spec?: Record<string, unknown>;
  pod?: Record<string, unknown>;
}

function workload(
  component: string,
  { kind = "StatefulSet", replicas = 3, ...options }: Options = {},
): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name: `pulsar-${component}`, labels: { component } },
    spec: {
      replicas,
      serviceName: component,
      template: {
        metadata: { annotations: options.annotations ?? {} },
        spec: {
          containers: [
            { name: "main", image: options.image ?? "pulsar:4.0.8", envFrom: [{ configMapRef: { name: component } }] },
          ],
          ...options.pod,
        },
      },
      ...options.spec,
    },
  };
}

function configMap(name: string, data: Record<string, string>): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { component: name } }, data };
}

/** A plan with the key of a generation, and tokens of an expiry. */
function plan(
  objects: KubernetesObject[],
  { generation = 1, expires = "2030-01-01" } = {},
  more: PlannedResource[] = [],
): StackPlan {
  const key = (number: number) => `auth-key${number === 1 ? "" : `-${number}`}`;
  return {
    ...emptyPlan,
    objects,
    resources: [
      resource("pulsar:components:JwtAuth", "auth", {}),
      ...(generation > 1
        ? [resource("tls:index/privateKey:PrivateKey", key(generation - 1), { algorithm: "RSA" }, { parent: "auth" })]
        : []),
      resource("tls:index/privateKey:PrivateKey", key(generation), { algorithm: "RSA" }, { parent: "auth" }),
      resource("pulumi-nodejs:dynamic/pulsar:SecretRollout", "token-rollout", {
        ...tokenRollout("[unknown]", expires),
        secrets: ["pulsar-token-asymmetric-key", "pulsar-token-admin"],
      }),
      ...more,
    ],
  };
}

const broker = configMap("broker", { managedLedgerDefaultEnsembleSize: "3", PULSAR_MEM: "-Xmx1g" });

function sequences(before: StackPlan, after: StackPlan) {
  return forecastRestarts(before, after).phases.map(({ name, sequences }) => [
    name,
    ...sequences.map(({ pods }) => pods.map(({ pod, effect }) => `${pod} ${effect}`).join(", ")),
  ]);
}

describe("the restart forecast", () => {
  it("has nothing to say about two equal plans", () => {
    const same = plan([workload("broker"), broker]);
    assert.deepEqual(forecastRestarts(same, same), {
      phases: [],
      unchanged: [{ component: "broker", pods: 3 }],
      pending: [],
      refused: [],
      jobs: [],
      unavailable: [],
    });
  });

  it("starts every pod of a first installation", () => {
    const { phases, unavailable } = forecastRestarts(undefined, plan([workload("broker", { replicas: 2 })]));
    assert.deepEqual(
      phases.map(({ sequences }) => sequences.map(({ pods }) => pods)),
      [[["pulsar-broker-0", "pulsar-broker-1"].map((pod) => ({ pod, effect: "starts", why: ["new"] }))]],
    );
    assert.deepEqual(unavailable, []);
  });

  it("restarts a StatefulSet from the highest ordinal, and names old and new image by their tags", () => {
    const after = plan([workload("broker", { image: "pulsar:4.0.12" })]);
    const [phase] = forecastRestarts(plan([workload("broker")]), after).phases;
    assert.deepEqual(
      phase?.sequences.map(({ together, pods }) => [together, pods]),
      [
        [
          false,
          [2, 1, 0].map((ordinal) => ({
            pod: `pulsar-broker-${ordinal}`,
            effect: "restarts",
            why: ["image of main: 4.0.8 to 4.0.12"],
          })),
        ],
      ],
    );
  });

  it("names both images whole if more than the tag changes", () => {
    const after = plan([workload("broker", { image: "registry:5000/pulsar:4.0.8" })]);
    const [phase] = forecastRestarts(plan([workload("broker")]), after).phases;
    assert.deepEqual(phase?.sequences[0]?.pods[0]?.why, ["image of main: pulsar:4.0.8 to registry:5000/pulsar:4.0.8"]);
  });

  it("starts additional pods and stops surplus ones without touching the others", () => {
    const [three, four] = [3, 4].map((replicas) => plan([workload("bookie", { replicas })])) as [StackPlan, StackPlan];
    assert.deepEqual(sequences(three, four), [["upgrade of the release", "pulsar-bookie-3 starts"]]);
    assert.deepEqual(sequences(four, three), [["upgrade of the release", "pulsar-bookie-3 stops"]]);
  });

  it("starts and stops pods of a Parallel StatefulSet at once, and restarts them one after the other", () => {
    const of = (policy: string, replicas: number, image = "pulsar:4.0.8") =>
      plan([workload("bookie", { replicas, image, spec: { podManagementPolicy: policy } })]);
    const together = (before: StackPlan, after: StackPlan) =>
      forecastRestarts(before, after).phases[0]?.sequences[0]?.together;
    assert.equal(together(of("Parallel", 3), of("Parallel", 5)), true);
    assert.equal(together(of("Parallel", 5), of("Parallel", 3)), true);
    assert.equal(together(of("Parallel", 3), of("Parallel", 3, "pulsar:4.0.12")), false);
    assert.equal(together(of("OrderedReady", 3), of("OrderedReady", 5)), false);
  });

  it("starts additional pods before it restarts the others", () => {
    const after = plan([workload("broker", { replicas: 3, image: "pulsar:4.0.12" })]);
    assert.deepEqual(sequences(plan([workload("broker", { replicas: 2 })]), after), [
      ["upgrade of the release", "pulsar-broker-2 starts, pulsar-broker-1 restarts, pulsar-broker-0 restarts"],
    ]);
  });

  it("keeps the pods below the partition, and all pods of OnDelete", () => {
    const strategies = [{ type: "RollingUpdate", rollingUpdate: { partition: 2 } }, { type: "OnDelete" }];
    const [partition, onDelete] = strategies.map((updateStrategy) => {
      const spec = { updateStrategy };
      const after = plan([workload("broker", { spec, image: "pulsar:4.0.12" })]);
      return forecastRestarts(plan([workload("broker", { spec })]), after);
    });
    assert.deepEqual(
      partition?.phases[0]?.sequences[0]?.pods.map(({ pod }) => pod),
      ["pulsar-broker-2"],
    );
    assert.deepEqual(onDelete?.phases, []);
    assert.match(onDelete.pending.join(), /StatefulSet pulsar-broker: .*OnDelete.*: image of main: 4.0.8 to 4.0.12/);
  });

  it("names the changed keys of a configuration with a checksum", () => {
    const before = plan([workload("broker", { annotations: { "checksum/config": "1" } }), broker]);
    const changed = configMap("broker", { ...(broker.data as object), PULSAR_MEM: "-Xmx2g", added: "1" });
    const after = plan([workload("broker", { annotations: { "checksum/config": "2" } }), changed]);
    const { phases, pending } = forecastRestarts(before, after);
    assert.deepEqual(phases[0]?.sequences[0]?.pods[0]?.why, ["configuration: PULSAR_MEM, added"]);
    assert.deepEqual(pending, []);
  });

  it("restarts nothing for a configuration without a checksum, and says so", () => {
    const changed = configMap("broker", { ...(broker.data as object), PULSAR_MEM: "-Xmx2g" });
    const { phases, pending } = forecastRestarts(
      plan([workload("broker"), broker]),
      plan([workload("broker"), changed]),
    );
    assert.deepEqual(phases, []);
    assert.deepEqual(pending, [
      "StatefulSet pulsar-broker: its pods read ConfigMap broker (PULSAR_MEM) when they restart the next time",
    ]);
  });

  it("sees a changed Secret in volumes and environments, but leaves those of the tokens to the rollout", () => {
    const volumes = ["login", "pulsar-token-admin"].map((name) => ({ name, secret: { secretName: name } }));
    const secrets = (value: string) =>
      ["login", "pulsar-token-admin"].map((name) =>
        resource("kubernetes:core/v1:Secret", name, { kind: "Secret", metadata: { name }, data: { key: value } }),
      );
    const of = (value: string) => plan([workload("pulsar-manager", { pod: { volumes } })], {}, secrets(value));
    assert.deepEqual(forecastRestarts(of("[secret 1]"), of("[secret 2]")).pending, [
      "StatefulSet pulsar-pulsar-manager: its pods read Secret login (key) when they restart the next time",
    ]);
  });

  it("reports fields that Kubernetes does not allow to change", () => {
    const after = plan([workload("broker", { spec: { serviceName: "other" } })]);
    assert.deepEqual(forecastRestarts(plan([workload("broker")]), after).refused, [
      "StatefulSet pulsar-broker: Kubernetes does not allow a change of serviceName; undo it",
    ]);
  });

  it("restarts brokers and proxies together for another key, then those that use the service", () => {
    const objects = ["broker", "proxy", "toolset", "zookeeper"].map((name) => workload(name, { replicas: 2 }));
    const manager = workload("pulsar-manager", { kind: "Deployment", replicas: 1 });
    const before = plan([...objects, manager]);
    const { phases, unavailable, unchanged } = forecastRestarts(before, plan([...objects, manager], { generation: 2 }));
    assert.deepEqual(
      phases.map(({ sequences }) => sequences.map(({ pods, together }) => [together, ...pods.map(({ pod }) => pod)])),
      [
        [
          [true, "pulsar-broker-0", "pulsar-broker-1"],
          [true, "pulsar-proxy-0", "pulsar-proxy-1"],
        ],
        [
          [true, "pulsar-pulsar-manager"],
          [true, "pulsar-toolset-0", "pulsar-toolset-1"],
        ],
      ],
    );
    assert.deepEqual(unavailable, [
      "no broker runs: no topic is served until one is ready again",
      "no proxy runs: clients that connect through it are cut off until one is ready again",
      "Pulsar Manager does not answer meanwhile; clients do not use it",
    ]);
    assert.deepEqual(unchanged, [{ component: "zookeeper", pods: 2 }]);
  });

  it("restarts the pods of a new key once: those that the upgrade restarts have it", () => {
    const after = plan([workload("broker", { image: "pulsar:4.0.12" }), workload("proxy")], { generation: 3 });
    const before = plan([workload("broker"), workload("proxy")], { generation: 2 });
    assert.deepEqual(sequences(before, after), [
      ["upgrade of the release", "pulsar-broker-2 restarts, pulsar-broker-1 restarts, pulsar-broker-0 restarts"],
      ["new tokens", "pulsar-proxy-0 restarts, pulsar-proxy-1 restarts, pulsar-proxy-2 restarts"],
    ]);
  });

  it("restarts only the manager for tokens with another expiry", () => {
    const objects = [workload("broker"), workload("pulsar-manager", { replicas: 1 })];
    assert.deepEqual(sequences(plan(objects), plan(objects, { expires: "2031-01-01" })), [
      ["new tokens", "pulsar-pulsar-manager-0 restarts"],
    ]);
  });

  it("restarts one pod after the other for other certificates, ZooKeeper first", () => {
    const objects = ["toolset", "zookeeper", "broker"].map((name) => workload(name, { replicas: 2 }));
    const certified = (generation: number, authority = 1) =>
      plan(objects, {}, [
        resource("pulsar:components:PulsarTls", "tls", {}),
        resource("pulumi-nodejs:dynamic/pulsar:AuthorityContract", "tls-authorities", { authority }),
        resource("tls:index/privateKey:PrivateKey", `tls-broker-key-${generation}`, {}, { parent: "tls" }),
        resource("pulumi-nodejs:dynamic/pulsar:SecretRollout", "certificate-rollout", {
          ...certificateRollout("[unknown]"),
          secrets: ["pulsar-tls-broker", "pulsar-ca-tls"],
        }),
      ]);
    assert.deepEqual(forecastRestarts(certified(2), certified(2)).phases, []);
    const { phases, unavailable } = forecastRestarts(certified(2), certified(3));
    assert.deepEqual(forecastRestarts(certified(2), certified(2, 2)).phases, phases);
    assert.deepEqual(
      phases.map(({ name, sequences }) => [name, ...sequences.map(({ pods }) => pods.map(({ pod }) => pod))]),
      ["zookeeper", "broker", "toolset"].map((name) => ["new certificates", [`pulsar-${name}-1`, `pulsar-${name}-0`]]),
    );
    assert.ok(phases.every(({ sequences }) => sequences.every(({ together }) => !together)));
    assert.deepEqual(unavailable, [
      "ZooKeeper has no majority while a pod restarts (1 of 2 run): brokers and bookies wait for it",
      "brokers: 1 of 2 run while one restarts; its topics move to the others, and their clients reconnect",
    ]);
  });

  it("gives each kind of change in a template a reason of its own", () => {
    const pod = (value: string, name: string) => ({
      nodeSelector: { disk: value },
      terminationGracePeriodSeconds: value === "1" ? 30 : 60,
      containers: [
        {
          name,
          env: [{ name: "PATH", value }, { name: "HOME" }],
          args: [value],
          resources: { requests: { cpu: value } },
          livenessProbe: { timeoutSeconds: Number(value) },
          readinessProbe: { timeoutSeconds: Number(value) },
        },
        { name: "main", image: "pulsar:4.0.8" },
      ],
      volumes: [{ name: "keys", secret: { secretName: value } }],
    });
    const of = (value: string, name = "side") =>
      plan([workload("broker", { annotations: { team: value }, pod: pod(value, name) })]);
    const reasons = (before: StackPlan, after: StackPlan) =>
      forecastRestarts(before, after).phases[0]?.sequences[0]?.pods[0]?.why;
    assert.deepEqual(reasons(of("1"), of("2")), [
      "annotation team: 1 to 2",
      "command of side",
      "environment of side: PATH",
      "placement",
      "probes of side",
      "resources of side",
      "terminationGracePeriodSeconds",
      "volume keys",
    ]);
    assert.deepEqual(reasons(of("1"), of("1", "other")), ["container other is new", "container side is removed"]);
  });

  it("says whether bookies and ZooKeeper can continue while one restarts", () => {
    const lines = ([bookies, zookeepers]: [number, number]) => {
      const of = (image: string) =>
        plan([
          workload("bookie", { replicas: bookies, image }),
          workload("zookeeper", { replicas: zookeepers, image }),
          broker,
        ]);
      return forecastRestarts(of("a:1"), of("a:2")).unavailable.join("\n");
    };
    assert.match(lines([4, 3]), /bookies: 3 of 4 run .* writing goes on\n.*keeps its majority: 2 of 3/);
    assert.match(
      lines([3, 1]),
      /bookies: 2 of 3 run .* not writable until the bookie is back\n.*no majority .*none of 1/,
    );
  });

  it("names each pod once, and counts all others as unchanged", () => {
    const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const strategy = fc.constantFrom(
      {},
      { type: "OnDelete" },
      { type: "RollingUpdate", rollingUpdate: { partition: 1 } },
    );
    const anyWorkload = fc.record({
      replicas: fc.nat(4),
      image: fc.constantFrom("pulsar:1", "pulsar:2"),
      updateStrategy: strategy,
    });
    const anyPlan = fc
      .record({
        workloads: fc.tuple(...Array.from({ length: 4 }, () => option(anyWorkload))),
        generation: fc.integer({ min: 1, max: 3 }),
        expires: fc.constantFrom("2030-01-01", "2031-01-01"),
      })
      .map(({ workloads, ...tokens }) => {
        const objects = ["broker", "proxy", "toolset", "bookie"].flatMap((component, i) => {
          const { updateStrategy, ...options } = workloads[i] ?? {};
          return workloads[i] ? [workload(component, { ...options, spec: { updateStrategy } })] : [];
        });
        return plan(objects, tokens);
      });
    fc.assert(
      fc.property(option(anyPlan), anyPlan, (before, after) => {
        const { phases, unchanged } = forecastRestarts(before, after);
        const pods = phases.flatMap(({ sequences }) => sequences.flatMap(({ pods }) => pods));
        assert.equal(new Set(pods.map(({ pod }) => pod)).size, pods.length);
        const running = after.objects.reduce((sum, { spec }) => sum + (spec as { replicas: number }).replicas, 0);
        const left = unchanged.reduce((sum, { pods }) => sum + pods, 0);
        assert.equal(pods.filter(({ effect }) => effect !== "stops").length + left, running);
      }),
    );
  });

  it("lists Jobs that are new or replaced", () => {
    const job = (name: string, image: string) =>
      resource("kubernetes:batch/v1:Job", name, { kind: "Job", metadata: { name }, spec: { image } });
    const before = plan([], {}, [job("same", "1"), job("changed", "1"), job("gone", "1")]);
    assert.deepEqual(
      forecastRestarts(before, plan([], {}, [job("same", "1"), job("changed", "2"), job("added", "1")])).jobs,
      ["added", "changed"],
    );
  });

  it("lists Jobs whose name depends on a key when what they depend on changes", () => {
    const job = (component: string, secretName: string) =>
      resource("kubernetes:batch/v1:Job", `${component}-job`, {
        kind: "Job",
        metadata: { name: "[unknown]", labels: { component } },
        spec: { template: { spec: { volumes: [{ name: "files", secret: { secretName } }] } } },
      });
    const of = (login: string, values: object, generation = 1) =>
      plan([], { generation }, [
        job("smoke-test", "token"),
        job("manager-setup", "login"),
        resource("kubernetes:core/v1:Secret", "login", {
          kind: "Secret",
          metadata: { name: "login" },
          data: { login },
        }),
        resource("kubernetes:helm.sh/v3:Release", "release", { chart: "pulsar", values, timeout: generation }),
      ]);
    const before = of("1", { a: 1 });
    const jobs = (after: StackPlan) => forecastRestarts(before, after).jobs;
    assert.deepEqual(jobs(of("1", { a: 1 })), []);
    assert.deepEqual(jobs(of("2", { a: 1 })), ["manager-setup-job"]);
    assert.deepEqual(jobs(of("1", { a: 2 })), ["smoke-test-job"]);
    assert.deepEqual(jobs(of("1", { a: 1 }, 2)), ["smoke-test-job"]);
    assert.deepEqual(forecastRestarts(undefined, before).jobs, ["manager-setup-job", "smoke-test-job"]);
  });
});
