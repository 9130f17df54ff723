import { setTimeout as wait } from "node:timers/promises";
import type { dynamic } from "@pulumi/pulumi";
import { diffOn } from "../kit/diff.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, type Cluster, connect, unlessMissing } from "./connection.ts";
import { isReady, type Readiness } from "./pods.ts";

/** Inputs of a SecretRollout resource. Its outputs are those that the pods were last started with. */
export interface SecretRolloutArgs {
  cluster: ClusterRef;
  namespace: string;
  /** Name of the Helm release, as in the pods' label `release`. */
  release: string;
  /** The first one that changes decides which pods restart: the `component` labels by step. A step starts when the pods of the previous one are ready. */
  triggers: { what: string; value: string; steps: string[][] }[];
  /** Names of the Secrets that the pods hold. */
  secrets: string[];
  /** Whether the pods of a step restart all at once. Otherwise they restart one at a time, while all others of the step are ready. */
  together: boolean;
  /** How long the pods of a step, or a single pod if they restart one at a time, may take until all are ready, in minutes. */
  limitMinutes: number;
}

/** A Secret or a pod of the API, with the parts that show its age. */
interface Dated {
  metadata?: {
    name?: string;
    creationTimestamp?: Date;
    deletionTimestamp?: Date;
    managedFields?: { time?: Date }[];
  };
}

type Scope = Pick<SecretRolloutArgs, "namespace" | "release" | "together" | "limitMinutes">;

/** Milliseconds between two queries for the pods. */
const pause = 1000;

/** Does not connect, so that a preview needs no cluster. A value that is not known yet differs from every other. */
export function diff(_id: string, olds: SecretRolloutArgs, news: SecretRolloutArgs): dynamic.DiffResult {
  const values = ({ triggers }: SecretRolloutArgs) => ({ values: triggers.map(({ value }) => value) });
  return diffOn(values(olds), values(news), ["values"]);
}

/** The pods of a new release are started with these Secrets, but not those of an earlier `up`, which failed before the Secrets changed. */
export async function create(args: SecretRolloutArgs): Promise<dynamic.CreateResult<SecretRolloutArgs>> {
  await update(args.release, { ...args, triggers: [] }, args);
  return { id: args.release, outs: args };
}

/**
 * Restarts, step by step, the pods that were started before the Secrets changed. After a failure or a kill, the next `up` continues: pods that were
 * already restarted are kept.
 *
 * @throws Error that names the pods that are not ready in time
 */
export async function update(
  _id: string,
  olds: SecretRolloutArgs,
  news: SecretRolloutArgs,
): Promise<dynamic.UpdateResult<SecretRolloutArgs>> {
  const cluster = await connect(news.cluster);
  const { namespace, secrets } = news;
  const read = (name: string) => ask(cluster, (api) => api.readNamespacedSecret({ name, namespace }));
  const changed = lastChange(await Promise.all(secrets.map(read)));
  for (const components of stepsOf(olds, news)) await restart(cluster, news, components, changed);
  return { outs: news };
}

export async function read(id: string, props: SecretRolloutArgs): Promise<dynamic.ReadResult<SecretRolloutArgs>> {
  return { id, props, inputs: props };
}

/** The pods are deleted with the release. */
export async function remove(): Promise<void> {
  return Promise.resolve();
}

/** The components that a change restarts. */
export function stepsOf(olds: SecretRolloutArgs, news: SecretRolloutArgs): string[][] {
  return news.triggers.find(({ value }, i) => value !== olds.triggers[i]?.value)?.steps ?? [];
}

/** When any of the Secrets was last written, by the API server's clock. */
export function lastChange(secrets: Dated[]): Date {
  const times = secrets.flatMap(({ metadata }) => [
    metadata?.creationTimestamp,
    ...(metadata?.managedFields ?? []).map(({ time }) => time),
  ]);
  return new Date(Math.max(...times.map((time) => time?.getTime() ?? 0)));
}

/**
 * The pods that may have been started with the previous Secrets. The API server's times are whole seconds, so a pod of the same second counts: restarting
 * it once too often is harmless. Pods that are being deleted do not count.
 */
export function outdated<T extends Dated>(pods: T[], changed: Date): T[] {
  return pods
    .filter(({ metadata }) => (metadata?.creationTimestamp ?? changed) <= changed)
    .filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
}

/**
 * The pods to delete now. One at a time means: a pod that is ready is deleted only while no pod of the step is missing or unready. An outdated pod that
 * is not ready serves nobody, and may need the new Secrets to become ready.
 */
export function nextToDelete<T extends Dated & Readiness>(
  pods: T[],
  { changed, wanted, together }: { changed: Date; wanted: number; together: boolean },
): T[] {
  const old = outdated(pods, changed);
  if (together) return old;
  const unready = old.filter((pod) => !isReady(pod));
  if (unready.length > 0) return unready;
  const number = ({ metadata }: Dated) => Number(/\d+$/.exec(metadata?.name ?? "")?.[0] ?? 0);
  const last = old.toSorted((a, b) => number(a) - number(b)).slice(-1);
  return pods.filter(isReady).length >= wanted ? last : [];
}

/**
 * Deletes the outdated pods of these components and waits until as many others are ready as their workloads require. Their controllers create them
 * again from unchanged templates, so neither Helm nor a refresh finds a difference. OrderedReady brokers only take longer.
 */
async function restart(cluster: Cluster, scope: Scope, components: string[], changed: Date): Promise<void> {
  const { namespace, release, together, limitMinutes } = scope;
  const labelSelector = `release=${release},component in (${components.join(",")})`;
  let deadline = performance.now() + limitMinutes * 60_000;
  for (;;) {
    // Queried each time: an autoscaler may change it meanwhile.
    const wanted = await replicas(cluster, { namespace, labelSelector });
    const pods = (await ask(cluster, (api) => api.listNamespacedPod({ namespace, labelSelector }))).items;
    const next = nextToDelete(pods, { changed, wanted, together });
    if (next.length > 0) {
      await Promise.all(next.map(({ metadata }) => deletePod(cluster, namespace, metadata?.name ?? "")));
      deadline = performance.now() + limitMinutes * 60_000;
    }
    const old = outdated(pods, changed);
    const ready = pods.filter((pod) => isReady(pod) && !old.includes(pod));
    if (old.length === 0 && ready.length >= wanted) return;
    if (performance.now() > deadline) {
      const open = pods.filter((pod) => !isReady(pod)).map(({ metadata }) => metadata?.name ?? "");
      throw new Error(
        `restarted with the new Secrets, ${ready.length} of ${wanted} pods of ${components.join(", ")} are ready after ` +
          `${limitMinutes} minutes${open.length === 0 ? "" : `; not ready: ${open.join(", ")}`}; run pulumi up again to continue`,
      );
    }
    await wait(pause);
  }
}

/** How many pods the workloads require. The existing pods do not show it: after an interruption some may be missing. */
async function replicas(cluster: Cluster, which: { namespace: string; labelSelector: string }): Promise<number> {
  const { AppsV1Api } = await import("@kubernetes/client-node");
  const apps = cluster.client(AppsV1Api);
  const lists = [
    await ask(cluster, () => apps.listNamespacedStatefulSet(which)),
    await ask(cluster, () => apps.listNamespacedDeployment(which)),
  ];
  return lists.flatMap(({ items }) => items.map(({ spec }) => spec?.replicas ?? 1)).reduce((a, b) => a + b, 0);
}

/** Succeeds if the pod is gone already. */
async function deletePod(cluster: Cluster, namespace: string, name: string): Promise<void> {
  await ask(cluster, (api) => api.deleteNamespacedPod({ name, namespace })).catch(unlessMissing);
}
