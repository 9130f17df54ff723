/**
 * Which pods an `up` restarts, why, and in which order. Decided from what is sent to the API server, by the rules of Kubernetes' workload controllers
 * and of the stack's SecretRollouts.
 */
import { isDeepStrictEqual } from "node:util";
import { listed } from "../../rehearsal/report/rows.ts";
import type { KubernetesObject, StackPlan } from "../plan.ts";
import { outagesOf } from "./outages.ts";
import { templateReasons } from "./reasons.ts";
import { podNames, type PodTemplate, type Reference, referencesOf, type Workload, workloadsOf } from "./workloads.ts";

export interface PodForecast {
  /** The pod's name in a StatefulSet. Pods of a Deployment have random names, so theirs is the Deployment's. */
  pod: string;
  /** `restarts`: the pod is replaced by one with another uid. */
  effect: "restarts" | "starts" | "stops";
  /** One reason each, for example `image of broker: 4.0.8 to 4.0.12`. */
  why: string[];
}

/** The pods of one workload, in the order in which they change. */
export interface Sequence {
  workload: string;
  component: string;
  /** How many pods the workload has afterwards. */
  replicas: number;
  /** Whether all pods change at once. Otherwise each waits until the one before is ready, or gone. */
  together: boolean;
  pods: PodForecast[];
}

/** One part of the `up`. Its sequences run at the same time; the next phase begins when all of them have ended. */
export interface Phase {
  name: "upgrade of the release" | "new tokens" | "new certificates";
  sequences: Sequence[];
}

/** Every list is sorted by name, and empty where nothing happens. */
export interface Forecast {
  phases: Phase[];
  /** How many pods of each component keep running. */
  unchanged: { component: string; pods: number }[];
  /** Changes that running pods do not see before their next restart, one line each. */
  pending: string[];
  /** Changes that the API server refuses, so that the `up` fails, one line each. */
  refused: string[];
  /** The Jobs that run, by the name of the resource where only an `up` knows their own. */
  jobs: string[];
  /** What is unavailable meanwhile, one line each. */
  unavailable: string[];
}

/**
 * The forecast for an `up` of `after` on a cluster that runs `before`; undefined for a first installation. Pods that an OnDelete strategy or a
 * partition has kept on an older template are not known: they restart too when the strategy no longer keeps them.
 */
export function forecastRestarts(before: StackPlan | undefined, after: StackPlan): Forecast {
  const [old, now] = [workloadsOf(before), workloadsOf(after)];
  const ids = [...new Set([...old.keys(), ...now.keys()])].sort();
  const settings = changedSettings(before, after);
  const changes = ids.map((id) => changeOf(old.get(id), now.get(id), settings));
  const upgrade: Phase = {
    name: "upgrade of the release",
    sequences: changes.flatMap(({ sequence }) => (sequence.pods.length > 0 ? [sequence] : [])),
  };
  const rollouts = before === undefined ? [] : rolloutPhases(before, after, [...now.values()], upgrade);
  const phases = [upgrade, ...rollouts].filter(({ sequences }) => sequences.length > 0);
  return {
    phases,
    unchanged: unchangedPods([...now.values()], phases),
    pending: changes.flatMap(({ pending }) => pending),
    refused: changes.flatMap(({ refused }) => refused),
    jobs: startedJobs(before, after),
    unavailable: before === undefined ? [] : phases.flatMap(({ sequences }) => outagesOf(sequences, after)),
  };
}

interface Change {
  sequence: Sequence;
  pending: string[];
  refused: string[];
}

/** Fields of a StatefulSet and of a Deployment that the API server accepts a change of (Kubernetes 1.37, pkg/apis/apps/validation). */
const mutable = {
  StatefulSet: [
    "replicas",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
    "ordinals",
  ],
  Deployment: [
    "replicas",
    "template",
    "strategy",
    "revisionHistoryLimit",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "paused",
  ],
};

function changeOf(old: Workload | undefined, now: Workload | undefined, settings: ChangedSettings): Change {
  const workload = now ?? old;
  if (workload === undefined) throw new Error("a workload is in neither plan");
  const [from, to] = [old?.replicas ?? 0, now?.replicas ?? 0];
  const keys = settings.read(workload, "ConfigMap").flatMap(({ keys }) => keys);
  const why = old && now ? templateReasons(old.template, now.template, keys) : [];
  const onDelete = workload.spec.updateStrategy?.type === "OnDelete";
  const first = workload.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const restarted = why.length === 0 || onDelete ? [] : range(first, Math.min(from, to)).reverse();
  const ordered = workload.kind === "StatefulSet" && workload.spec.podManagementPolicy !== "Parallel";
  const pods = (ordinals: readonly number[], effect: PodForecast["effect"], why: string[]) =>
    podNames(workload, ordinals).map((pod): PodForecast => ({ pod, effect, why }));
  return {
    sequence: {
      workload: `${workload.kind} ${workload.name}`,
      component: workload.component,
      replicas: to,
      // Parallel holds only for pods that start or stop.
      together: !ordered && restarted.length === 0,
      pods: [
        ...pods(range(from, to), "starts", old === undefined ? ["new"] : [`${from} to ${to} replicas`]),
        ...pods(range(to, from).reverse(), "stops", now === undefined ? ["removed"] : [`${from} to ${to} replicas`]),
        ...pods(restarted, "restarts", why),
      ],
    },
    pending: old && now ? pendingChanges(now, why, onDelete, settings) : [],
    refused: old && now ? refusedFields(old, now) : [],
  };
}

function refusedFields(old: Workload, now: Workload): string[] {
  const fields = new Set([...Object.keys(old.spec), ...Object.keys(now.spec)]);
  return [...fields]
    .filter((field) => !mutable[now.kind].includes(field) && !isDeepStrictEqual(old.spec[field], now.spec[field]))
    .sort()
    .map((field) => `${now.kind} ${now.name}: Kubernetes does not allow a change of ${field}; undo it`);
}

function pendingChanges(workload: Workload, why: readonly string[], onDelete: boolean, settings: ChangedSettings) {
  const which = `${workload.kind} ${workload.name}`;
  if (why.length > 0) {
    return onDelete
      ? [`${which}: its pods keep their template until they are deleted (OnDelete): ${why.join("; ")}`]
      : [];
  }
  return [...settings.read(workload, "ConfigMap"), ...settings.read(workload, "Secret")].map(
    ({ kind, name, keys }) =>
      `${which}: its pods read ${kind} ${name} (${listed(keys, 4)}) when they restart the next time`,
  );
}

/** The ConfigMaps and Secrets that a plan changes. */
interface ChangedSettings {
  /** Those that the pods of a workload read, with their changed keys. */
  read(workload: Workload, kind: Reference["kind"]): (Reference & { keys: string[] })[];
}

function changedSettings(before: StackPlan | undefined, after: StackPlan): ChangedSettings {
  const [old, now] = [settingsOf(before), settingsOf(after)];
  // Their pods are restarted by a SecretRollout where that is necessary.
  const rolledOut = rolloutsOf(after).flatMap(({ secrets }) => secrets);
  return {
    read: ({ template }, wanted) =>
      referencesOf(template)
        .filter(({ kind, name }) => kind === wanted && !(kind === "Secret" && rolledOut.includes(name)))
        .flatMap((reference) => {
          const id = `${reference.kind} ${reference.name}`;
          const [was, is] = [old.get(id), now.get(id)];
          if (was === undefined || is === undefined) return [];
          const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((key) => was[key] !== is[key]);
          return keys.length === 0 ? [] : [{ ...reference, keys: keys.sort() }];
        }),
  };
}

/** The data of all ConfigMaps and Secrets, by kind and name. Values of Secrets are markers. */
function settingsOf(plan: StackPlan | undefined): Map<string, Record<string, unknown>> {
  const all = [
    ...(plan?.objects ?? []),
    ...(plan?.resources ?? []).map(({ inputs }) => inputs as Partial<KubernetesObject>),
  ];
  return new Map(
    all.flatMap(({ kind, metadata, data, stringData }) =>
      (kind === "ConfigMap" || kind === "Secret") && metadata !== undefined
        ? [[`${kind} ${metadata.name}`, { ...(data as object), ...(stringData as object) }]]
        : [],
    ),
  );
}

/** Inputs of a SecretRollout (resources/kubernetes/secretRollout.ts) that decide what it restarts. */
interface Rollout {
  holds: "tokens" | "certificates";
  triggers: { what: string; value?: unknown; steps: string[][] }[];
  secrets: string[];
  together: boolean;
}

function rolloutsOf(plan: StackPlan): Rollout[] {
  return plan.resources
    .filter(({ type }) => type.endsWith(":SecretRollout"))
    .map(({ inputs }) => inputs as unknown as Rollout);
}

/** In the order in which the stack registers them. A pod that the upgrade has started already has the new Secrets, which are written before. */
function rolloutPhases(before: StackPlan, after: StackPlan, workloads: readonly Workload[], upgrade: Phase): Phase[] {
  const fresh = new Set(upgrade.sequences.flatMap(({ pods }) => pods.map(({ pod }) => pod)));
  const olds = rolloutsOf(before);
  return rolloutsOf(after).flatMap((now): Phase[] => {
    const old = olds.find(({ holds }) => holds === now.holds);
    if (old === undefined) return [];
    const sourceChanged = !isDeepStrictEqual(sourceOf(before, old), sourceOf(after, now));
    const trigger = now.triggers.find(
      ({ value }, i) => (i === 0 && sourceChanged) || !isDeepStrictEqual(value, old.triggers[i]?.value),
    );
    return (trigger?.steps ?? []).map((components) => ({
      name: `new ${now.holds}`,
      sequences: workloads
        .filter(({ component }) => components.includes(component))
        .map((workload) => ({
          workload: `${workload.kind} ${workload.name}`,
          component: workload.component,
          replicas: workload.replicas,
          together: now.together,
          pods: podNames(workload, now.together ? all(workload) : all(workload).reverse())
            .filter((pod) => !fresh.has(pod))
            .map((pod): PodForecast => ({ pod, effect: "restarts", why: [trigger?.what ?? ""] })),
        }))
        .filter(({ pods }) => pods.length > 0),
    }));
  });
}

const all = ({ replicas }: Workload) => range(0, replicas);

const sources = { tokens: "pulsar:components:JwtAuth", certificates: "pulsar:components:PulsarTls" };

/**
 * What a rollout's Secrets are made of, because a plan does not know the value of its first trigger: the newest key of the tokens (components/jwtAuth.ts),
 * or all keys and certificates (components/pulsarTls.ts) and the number of the CA that signs them, and the Secret with the key.
 */
function sourceOf(plan: StackPlan, { holds, secrets }: Rollout): unknown {
  const component = plan.resources.find(({ type }) => type === sources[holds])?.name;
  const made = plan.resources
    .filter(({ type, parent }) => type.startsWith("tls:") && parent === component)
    .map(({ name, inputs }): [string, unknown] => [name, inputs]);
  const generation = (name: string) => Number(/-key-(\d+)$/.exec(name)?.[1] ?? 1);
  made.sort(([a], [b]) => generation(a) - generation(b));
  const contract = plan.resources.find(({ type }) => type.endsWith(":AuthorityContract"));
  return [
    holds === "tokens" ? made.at(-1) : [made, contract?.inputs["authority"]],
    secrets.filter((name) => name.endsWith("symmetric-key")),
  ];
}

function unchangedPods(workloads: readonly Workload[], phases: readonly Phase[]): Forecast["unchanged"] {
  const touched = phases.flatMap(({ sequences }) => sequences);
  return workloads.flatMap(({ kind, name, component, replicas }) => {
    const pods = touched.filter(({ workload }) => workload === `${kind} ${name}`).flatMap(({ pods }) => pods);
    const left = replicas - pods.filter(({ effect }) => effect !== "stops").length;
    return left > 0 ? [{ component, pods: left }] : [];
  });
}

/** New Jobs, and those that are replaced because what their name depends on has changed. */
function startedJobs(before: StackPlan | undefined, after: StackPlan): string[] {
  const [old, now] = [jobsOf(before), jobsOf(after)];
  return [...now]
    .filter(([name, spec]) => !isDeepStrictEqual(old.get(name), spec))
    .map(([name]) => name)
    .sort();
}

/** What decides whether a Job runs again, by its name. */
function jobsOf(plan: StackPlan | undefined): Map<string, unknown> {
  if (plan === undefined) return new Map();
  const settings = settingsOf(plan);
  const registered = plan.resources.flatMap(({ name, inputs }): [string, unknown][] => {
    const { kind, metadata, spec } = inputs as Partial<KubernetesObject> & { spec?: { template?: PodTemplate } };
    if (kind !== "Job") return [];
    if (metadata !== undefined && metadata.name !== "[unknown]") return [[metadata.name, spec]];
    // Only an `up` knows the name, because a key is part of it: with what the script reads, or for the smoke test with what it tests.
    const read = referencesOf(spec?.template ?? {}).map((reference) =>
      settings.get(`${reference.kind} ${reference.name}`),
    );
    return [[name, [spec, read, metadata?.labels?.component === "smoke-test" ? testedIn(plan) : undefined]]];
  });
  const rendered = plan.objects.flatMap(({ kind, metadata, spec }): [string, unknown][] =>
    kind === "Job" ? [[metadata.name, spec]] : [],
  );
  return new Map([...rendered, ...registered]);
}

/** What the smoke test runs again for: the chart with its values, the key and the certificates (components/smokeTest.ts). */
function testedIn(plan: StackPlan): unknown {
  const release = plan.resources.find(({ type }) => type === "kubernetes:helm.sh/v3:Release")?.inputs ?? {};
  const { chart, version, repositoryOpts, description, values } = release;
  const held = rolloutsOf(plan).map((rollout) => [sourceOf(plan, rollout), rollout.triggers[0]?.value]);
  return [chart, version, repositoryOpts, description, values, held];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
}
