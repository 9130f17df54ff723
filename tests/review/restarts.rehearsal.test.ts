/** The restart forecast against what the controllers of a real control plane do: changes of many kinds are deployed, one `up` after the other. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { V1Pod } from "@kubernetes/client-node";
import type { StackConfig } from "../../rehearsal/engine/stack.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { waitUntilReady } from "../../rehearsal/rehearse.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import type { StackPlan } from "../../review/plan.ts";
import { planOf } from "../../review/planOf.ts";
import { type Forecast, forecastRestarts, type PodForecast } from "../../review/restarts/forecast.ts";
import { assertOk, withRehearsal } from "../rehearsal/support.ts";

const folder = fileURLToPath(new URL("../../", import.meta.url));

/** Changes that one `up` applies. Several are together only where they concern different workloads, or where their combination matters. */
interface Round {
  name: string;
  change: StackConfig;
  /** Every effect in the forecast, as `<effect> <pod>`, sorted. Otherwise a forecast and a cluster without effects would agree on any change. */
  expected: string[];
}

const every = (effect: string, workload: string, count: number) =>
  Array.from({ length: count }, (_, ordinal) => `${effect} pulsar-${workload}-${ordinal}`);
const manager = "restarts pulsar-pulsar-manager";

const rounds: Round[] = [
  {
    name: "a role of an application, a tenant, network policies and the timeout of the chart",
    change: {
      plain: {
        "pulsar:clients[1].role": "billing",
        "pulsar:tenants[1].name": "warehouse",
        "pulsar:networkPolicies.enabled": "true",
        "pulsar:chart.timeoutMinutes": "4",
      },
    },
    expected: [],
  },
  {
    name: "an image, a value with a checksum, resources, a probe, an annotation, and one proxy less",
    change: {
      plain: {
        "pulsar:images.manager": `apachepulsar/pulsar-manager:v0.2.0@sha256:${"1".repeat(64)}`,
        "pulsar:values.bookkeeper.configData.journalSyncData": "no",
        "pulsar:pods.broker.requests.cpu": "300m",
        "pulsar:values.zookeeper.probe.liveness.timeoutSeconds": "7",
        "pulsar:values.toolset.annotations.team": "queues",
        "pulsar:replicas.proxy": "2",
      },
    },
    expected: [
      ...["broker", "bookie", "zookeeper"].flatMap((workload) => every("restarts", workload, 3)),
      "restarts pulsar-toolset-0",
      "stops pulsar-proxy-2",
      manager,
    ],
  },
  {
    name: "values that change only ConfigMaps, the manager's passwords, no smoke test, and more proxies and recovery pods",
    change: {
      plain: {
        "pulsar:smokeTest": "false",
        "pulsar:values.pulsar_manager.configData.LOG_LEVEL": "WARN",
        "pulsar:values.zookeeper.configData.PULSAR_GC": "-XX:+UseZGC",
        "pulsar:replicas.proxy": "3",
        "pulsar:replicas.autorecovery": "2",
      },
      secret: {
        "pulsar:managerPassword": "another-login-password",
        "pulsar:managerDatabasePassword": "another-database-password",
      },
    },
    expected: ["starts pulsar-proxy-2", "starts pulsar-recovery-1"],
  },
  {
    name: "the expiry of the tokens, strategies that keep pods, and one broker less",
    change: {
      plain: {
        "pulsar:tokens.expires": "2199-01-01",
        "pulsar:values.zookeeper.updateStrategy.rollingUpdate.partition": "2",
        "pulsar:values.zookeeper.probe.liveness.timeoutSeconds": "8",
        "pulsar:values.bookkeeper.updateStrategy.type": "OnDelete",
        "pulsar:pods.bookkeeper.requests.cpu": "400m",
        "pulsar:replicas.broker": "2",
      },
    },
    expected: ["restarts pulsar-zookeeper-2", "stops pulsar-broker-2", manager],
  },
  {
    name: "another key, with a change of the brokers and one broker more",
    change: {
      plain: {
        "pulsar:tokens.generation": "2",
        "pulsar:values.broker.gracePeriod": "40",
        "pulsar:replicas.broker": "3",
      },
    },
    expected: [
      "starts pulsar-broker-2",
      ...every("restarts", "broker", 2),
      ...every("restarts", "proxy", 3),
      "restarts pulsar-toolset-0",
      manager,
    ],
  },
  {
    name: "the image of Pulsar, without the strategies that keep pods",
    change: {
      plain: { "pulsar:images.pulsar": "apachepulsar/pulsar-all:2.7.5" },
      unset: [
        "pulsar:values.zookeeper.updateStrategy.rollingUpdate.partition",
        "pulsar:values.bookkeeper.updateStrategy.type",
      ],
    },
    expected: [
      ...["broker", "bookie", "proxy", "zookeeper"].flatMap((workload) => every("restarts", workload, 3)),
      ...every("restarts", "recovery", 2),
      "restarts pulsar-toolset-0",
    ],
  },
];

const config = {
  plain: {
    "pulsar:chart.timeoutMinutes": "3",
    "pulsar:clients[0].role": "orders",
    "pulsar:tenants[0].name": "shop",
    "pulsar:values.bookkeeper.restartPodsOnConfigMapChange": "true",
  },
};

test("exactly the forecast pods restart, start and stop, in the forecast order", async (t) => {
  await withRehearsal({ config }, async (stage) => {
    let before: StackPlan | undefined;

    /** Forecasts what an `up` does, runs it, and compares. @returns the effects in the forecast */
    const deploy = async (): Promise<string[]> => {
      const after = await plan(stage);
      const forecast = forecastRestarts(before, after);
      assert.deepEqual(forecast.refused, []);
      const known = await jobsOf(stage);
      const changes = await watchPods(stage, async () => {
        assertOk(await stage.stack.up());
        await waitUntilReady(stage);
      });
      before = after;
      compare(forecast, changes);
      const ran = [...(await jobsOf(stage))].filter(([uid]) => !known.has(uid)).map(([, name]) => name);
      assert.deepEqual(ran.sort(), forecast.jobs);
      return effects(forecast).sort();
    };

    await t.test("at the first installation", async () => {
      assert.ok((await deploy()).every((effect) => effect.startsWith("starts ")));
    });
    for (const { name, change, expected } of rounds) {
      await t.test(`after a change of ${name}`, async () => {
        await stage.stack.configure(change);
        assert.deepEqual(await deploy(), [...expected].sort());
      });
    }
  });
});

const effects = ({ phases }: Forecast) =>
  phases.flatMap(({ sequences }) => sequences.flatMap(({ pods }) => pods.map(({ effect, pod }) => `${effect} ${pod}`)));

/** The plan of the configuration that the next `up` deploys. */
async function plan({ stack }: Stage): Promise<StackPlan> {
  const made = await planOf({ folder, stack: stack.name, stackFiles: dirname(stack.configFile), standIn: true });
  assert.ok(!("refused" in made), JSON.stringify(made));
  return made;
}

/** The Jobs of the cluster by uid, with their names in a forecast. */
async function jobsOf({ api, settings: { namespace } }: Stage): Promise<Map<string, string>> {
  const { items } = await api.batch.listNamespacedJob({ namespace });
  return new Map(
    items.map(({ metadata }) => {
      const component = metadata?.labels?.["component"] ?? "";
      const name = ["smoke-test", "manager-setup"].includes(component) ? `${component}-job` : metadata?.name;
      return [metadata?.uid ?? "", name ?? ""];
    }),
  );
}

/** What happened to a pod. Times are resource versions, which the API server counts up with each write. */
interface PodChange extends Pick<PodForecast, "pod" | "effect"> {
  workload: string;
  /** When its deletion was requested or, for one that only starts, when it was created. */
  begun: number;
  /** When it was ready or, for one that only stops, gone. */
  ended: number;
}

interface Life {
  pod: string;
  workload: string;
  /** Absent for a pod that existed before. */
  created?: number;
  ready?: number;
  /** When its deletion was requested. */
  ending?: number;
  gone?: number;
}

/** The changes of the workloads' pods while `work` runs, which must leave all pods ready. */
async function watchPods(
  { api, cluster, settings, workspace }: Stage,
  work: () => Promise<void>,
): Promise<PodChange[]> {
  const { KubeConfig, Watch } = await import("@kubernetes/client-node");
  const access = new KubeConfig();
  access.loadFromFile(cluster.kubeconfig);
  const { namespace } = settings;
  const lives = new Map<string, Life>();
  const list = async () => {
    const { items, metadata } = await api.core.listNamespacedPod({ namespace });
    return { pods: items.filter((pod) => workloadOf(pod) !== undefined), version: metadata?.resourceVersion ?? "" };
  };
  const known = await list();
  for (const pod of known.pods) lives.set(pod.metadata?.uid ?? "", begin(pod));

  let ended: unknown;
  // By default it gives up after 30 seconds without an event (2.0.1).
  const watcher = new Watch(access);
  Object.assign(watcher, { requestTimeoutMs: 300_000 });
  const watch = await watcher.watch(
    `/api/v1/namespaces/${namespace}/pods`,
    { resourceVersion: known.version },
    (event, pod: V1Pod) => {
      const version = Number(pod.metadata?.resourceVersion);
      const uid = pod.metadata?.uid ?? "";
      if (event === "ADDED" && workloadOf(pod) !== undefined) lives.set(uid, { ...begin(pod), created: version });
      const life = lives.get(uid);
      if (life === undefined) return;
      const isReady = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
      if (isReady === true) life.ready ??= version;
      if (event === "DELETED" || pod.metadata?.deletionTimestamp !== undefined) life.ending ??= version;
      if (event === "DELETED") life.gone = version;
    },
    (error: unknown) => (ended = error ?? new Error("the API server ended the watch")),
  );
  try {
    await work();
    const uids = new Set((await list()).pods.map(({ metadata }) => metadata?.uid));
    await waitFor(
      () => {
        if (ended !== undefined) throw ended as Error;
        const complete = [...lives].every(([uid, { created, ready, gone }]) =>
          uids.has(uid) ? created === undefined || ready !== undefined : gone !== undefined,
        );
        return Promise.resolve(complete && [...uids].every((uid) => lives.has(uid ?? "")) ? true : undefined);
      },
      { what: "the events of all pods", limit: 30_000, signal: workspace.signal },
    );
  } finally {
    watch.abort();
  }
  return changesOf([...lives.values()]);
}

/** `<kind> <name>`. Undefined for a pod of a Job. */
function workloadOf({ metadata }: V1Pod): string | undefined {
  const [owner] = metadata?.ownerReferences ?? [];
  if (owner?.kind === "StatefulSet") return `StatefulSet ${owner.name}`;
  return owner?.kind === "ReplicaSet" ? `Deployment ${owner.name.replace(/-[^-]+$/, "")}` : undefined;
}

function begin(pod: V1Pod): Life {
  const workload = workloadOf(pod) ?? "";
  const [kind, name = ""] = workload.split(" ");
  return { workload, pod: kind === "Deployment" ? name : (pod.metadata?.name ?? "") };
}

/** In the order of their beginning. A pod that is gone and one that is new under the same name are one restart, one for each pair. */
function changesOf(lives: readonly Life[]): PodChange[] {
  const changes = [...new Set(lives.map(({ pod }) => pod))].flatMap((pod) => {
    const own = lives.filter((life) => life.pod === pod);
    const gone = own.filter(({ ending }) => ending !== undefined).sort((a, b) => (a.ending ?? 0) - (b.ending ?? 0));
    const made = own.filter(({ created }) => created !== undefined).sort((a, b) => (a.created ?? 0) - (b.created ?? 0));
    return Array.from({ length: Math.max(gone.length, made.length) }, (_, i): PodChange => {
      const [left, came] = [gone[i], made[i]];
      return {
        pod,
        workload: own[0]?.workload ?? "",
        effect: left && came ? "restarts" : came ? "starts" : "stops",
        begun: left?.ending ?? came?.created ?? NaN,
        ended: came ? (came.ready ?? NaN) : (left?.gone ?? NaN),
      };
    });
  });
  return withoutRepeats(changes.sort((a, b) => a.begun - b.begun));
}

/**
 * Two restarts of a pod in a row become one. The StatefulSet controller (1.37) deletes pods by name. A simulated pod is gone at once, so the
 * controller may still have it in its cache, and deletes the new one too.
 */
function withoutRepeats(changes: readonly PodChange[]): PodChange[] {
  const kept: PodChange[] = [];
  for (const change of changes) {
    const previous = kept.findLast(({ workload }) => workload === change.workload);
    const repeats = previous?.pod === change.pod && previous.effect === "restarts" && change.effect === "restarts";
    if (repeats) previous.ended = change.ended;
    else kept.push(change);
  }
  return kept;
}

/** Checks which pods changed, the order in each workload, that each waited for the one before, and that each phase waited for the one before. */
function compare({ phases }: Forecast, changes: readonly PodChange[]): void {
  const open = [...changes];
  const phaseChanges = phases.map(({ sequences }) =>
    sequences.flatMap(({ workload, together, pods }) => {
      const seen = open.filter((change) => change.workload === workload).slice(0, pods.length);
      for (const change of seen) open.splice(open.indexOf(change), 1);
      const shown = (some: readonly Pick<PodForecast, "pod" | "effect">[]) =>
        some.map(({ pod, effect }) => `${effect} ${pod}`);
      // Pods that start at once are created in any order.
      const anyOrder = together ? (texts: string[]) => texts.sort() : (texts: string[]) => texts;
      assert.deepEqual(anyOrder(shown(seen)), anyOrder(shown(pods)), workload);
      for (const [i, { pod, begun }] of together ? [] : seen.entries()) {
        const previous = seen[i - 1];
        assert.ok(previous === undefined || begun > previous.ended, `${pod} did not wait for ${previous?.pod ?? ""}`);
      }
      return seen;
    }),
  );
  assert.deepEqual(
    open.map(({ pod, effect }) => `${effect} ${pod}`),
    [],
    "changes that were not forecast",
  );
  for (const [i, phase] of phaseChanges.entries()) {
    const end = Math.max(0, ...(phaseChanges[i - 1] ?? []).map(({ ended }) => ended));
    for (const { pod, begun } of phase) assert.ok(begun > end, `${pod} did not wait for the phase before`);
  }
}
