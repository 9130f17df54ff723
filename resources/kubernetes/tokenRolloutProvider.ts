import { setTimeout as wait } from "node:timers/promises";
import type { dynamic } from "@pulumi/pulumi";
import { diffOn } from "../kit/diff.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { ask, type Cluster, connect, unlessMissing } from "./connection.ts";
import { isReady } from "./pods.ts";

/** Inputs of a TokenRollout resource. Its outputs are those that the pods were last started with. */
export interface TokenRolloutArgs {
  cluster: ClusterRef;
  namespace: string;
  /** Name of the Helm release, as in the pods' label `release`. */
  release: string;
  /** Identifies the key. A change restarts the pods of all steps. */
  key: string;
  /** The day on which the pods' tokens expire. A change restarts only the pods of `tokenAtStart`. @default never */
  expires?: string | undefined;
  /** Names of the Secrets with the key and the pods' tokens. */
  secrets: string[];
  /** The `component` labels of the pods to restart, by step; a step starts when the pods of the previous one are ready. */
  steps: string[][];
  /** Those of them that read their token only when they start. */
  tokenAtStart: string[];
  /** How long the pods of a step may take until all are ready, in minutes. */
  limitMinutes: number;
}

/** A Secret or a pod of the API, with the parts that show its age. */
interface Dated {
  metadata?: {
    name?: string;
    uid?: string;
    creationTimestamp?: Date;
    deletionTimestamp?: Date;
    managedFields?: { time?: Date }[];
  };
}

type Scope = Pick<TokenRolloutArgs, "namespace" | "release" | "limitMinutes">;

/** Milliseconds between two queries for the pods. */
const pause = 1000;

/** Does not connect, so that a preview needs no cluster. A key that is not known yet differs from every other. */
export function diff(_id: string, olds: TokenRolloutArgs, news: TokenRolloutArgs): dynamic.DiffResult {
  return diffOn(olds, news, ["key", "expires"]);
}

/** Nothing to do: the pods of a new release are started with these Secrets. */
export async function create(args: TokenRolloutArgs): Promise<dynamic.CreateResult<TokenRolloutArgs>> {
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
  olds: TokenRolloutArgs,
  news: TokenRolloutArgs,
): Promise<dynamic.UpdateResult<TokenRolloutArgs>> {
  const cluster = await connect(news.cluster);
  const { namespace, secrets } = news;
  const read = (name: string) => ask(cluster, (api) => api.readNamespacedSecret({ name, namespace }));
  const changed = lastChange(await Promise.all(secrets.map(read)));
  for (const components of stepsOf(olds, news)) await restart(cluster, news, components, changed);
  return { outs: news };
}

export async function read(id: string, props: TokenRolloutArgs): Promise<dynamic.ReadResult<TokenRolloutArgs>> {
  return { id, props, inputs: props };
}

/** The pods are deleted with the release. */
export async function remove(): Promise<void> {
  return Promise.resolve();
}

/** The pods that a change restarts. */
export function stepsOf(olds: TokenRolloutArgs, news: TokenRolloutArgs): string[][] {
  return olds.key === news.key ? [news.tokenAtStart] : news.steps;
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
 * it once too often is harmless.
 */
export function outdated<T extends Dated>(pods: T[], changed: Date): T[] {
  return pods.filter(({ metadata }) => (metadata?.creationTimestamp ?? changed) <= changed);
}

/**
 * Deletes the outdated pods of these components, all at once, and waits until as many others are ready as their workloads require. Their controllers
 * create them again from unchanged templates, so neither Helm nor a refresh finds a difference. OrderedReady brokers only take longer.
 */
async function restart(cluster: Cluster, scope: Scope, components: string[], changed: Date): Promise<void> {
  const { namespace, release, limitMinutes } = scope;
  const labelSelector = `release=${release},component in (${components.join(",")})`;
  const pods = async () => (await ask(cluster, (api) => api.listNamespacedPod({ namespace, labelSelector }))).items;
  const old = outdated(await pods(), changed);
  await Promise.all(old.map(({ metadata }) => deletePod(cluster, namespace, metadata?.name ?? "")));

  const gone = new Set(old.map(({ metadata }) => metadata?.uid));
  const deadline = performance.now() + limitMinutes * 60_000;
  for (;;) {
    // Queried each time: an autoscaler may change it meanwhile.
    const wanted = await replicas(cluster, { namespace, labelSelector });
    const found = await pods();
    const ready = found.filter((pod) => isReady(pod) && !gone.has(pod.metadata?.uid));
    if (ready.length >= wanted) return;
    if (performance.now() > deadline) {
      const open = found.filter((pod) => !ready.includes(pod)).map(({ metadata }) => metadata?.name ?? "");
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
