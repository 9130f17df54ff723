/** Simulates failed and drained nodes, and restores them. */
import { setTimeout } from "node:timers/promises";
import type { V1Pod, V1Taint } from "@kubernetes/client-node";
import { isReady as podIsReady } from "../../resources/kubernetes/pods.ts";
import { isReady } from "../cluster/controlPlane.ts";
import type { Plain } from "../cluster/api.ts";
import type { Stage } from "../stage.ts";
import { quorumOf, type Quorum } from "./survival.ts";
import { waitFor, type WaitOptions } from "../cluster/waiting.ts";

type Context = Pick<Stage, "api" | "settings" | "workspace">;
type Taint = Plain<V1Taint>;

/** The limit for one action of the control plane, and for pods to end, in milliseconds. */
const limit = 180_000;

/** The taint that an operator sets on a node that is shut down. Only then does Kubernetes delete pods that no kubelet confirms to have stopped. */
const outOfService: Taint = {
  key: "node.kubernetes.io/out-of-service",
  value: "nodeshutdown",
  effect: "NoExecute",
};

/**
 * Simulates the failure of nodes until an operator has set the out-of-service taint. Sets the node conditions and deletes the pods at once, which
 * the control plane would do after 40 s and 20 s. Resolves when the controllers have created new pods and the scheduler has considered them.
 */
export async function failNodes(context: Context, nodes: readonly string[]): Promise<void> {
  const { api } = context;
  const before = await podsOf(context);
  await Promise.all(
    nodes.map(async (name) => {
      await stopKubelet(context, name);
      await setTaints(context, name, (taints) => [...withoutTaints(taints, outOfService.key), outOfService]);
    }),
  );
  // The control plane deletes the pods of a tainted node too, so some may be gone already.
  const left = (await podsOf(context)).filter(isOn(nodes));
  await Promise.all(
    left.map((pod) => ignoreNotFound(api.core.deleteNamespacedPod({ ...idOf(pod), gracePeriodSeconds: 0 }))),
  );
  await waitForReplacement(context, before, before.filter(isOn(nodes)));
}

/**
 * Drains nodes as kubectl does: cordons all of them, then evicts the pods of one node after the other, and retries if a disruption budget refuses.
 * Unlike kubectl, it stops when no eviction has succeeded for `evictionTimeout`.
 *
 * @returns the reason for each pod that was not evicted, by name
 */
export async function drainNodes(context: Context, nodes: readonly string[]): Promise<Map<string, string>> {
  const before = await podsOf(context);
  await Promise.all(nodes.map((name) => cordon(context, name, true)));
  const refused = new Map<string, string>();
  for (const node of nodes) {
    const pods = (await podsOf(context)).filter(isOn([node]));
    for (const [pod, why] of await evict(context, pods)) refused.set(pod, why);
  }
  const evicted = before.filter(isOn(nodes)).filter(({ metadata }) => !refused.has(metadata?.name ?? ""));
  await waitForReplacement(context, before, evicted);
  return refused;
}

/** Restores failed or drained nodes. Does not wait for their pods. */
export async function restoreNodes(context: Context, nodes: readonly string[]): Promise<void> {
  await Promise.all(
    nodes.map(async (name) => {
      await setKubelet(context, name, true);
      await setReady(context, name, true);
      await cordon(context, name, false);
      await retry(context, `the return of ${name}`, async () => {
        if (isReady(await context.api.core.readNode({ name }))) return true;
        // The control plane removes its own taints with a delay, and the operator's never.
        await setTaints(context, name, (taints) => withoutTaints(taints, "node.kubernetes.io/"));
        return undefined;
      });
    }),
  );
}

/** The quorum in the brokers' ConfigMap. */
export async function readQuorum({ api, settings: { namespace } }: Context): Promise<Quorum> {
  const { items } = await api.core.listNamespacedConfigMap({ namespace, labelSelector: "component=broker" });
  return quorumOf(Object.assign({}, ...items.map(({ data }) => data ?? {})) as Record<string, string>);
}

/** Stops the kubelet and waits until the control plane has tainted the node as unreachable. */
async function stopKubelet(context: Context, name: string): Promise<void> {
  await setKubelet(context, name, false);
  await retry(context, `the control plane to mark ${name} as unreachable`, async () => {
    // KWOK may overwrite this before it has processed the change of the lease.
    await setReady(context, name, false);
    const { spec } = await context.api.core.readNode({ name });
    return spec?.taints?.some(({ key }) => key === "node.kubernetes.io/unreachable") === true ? true : undefined;
  });
}

/**
 * Starts or stops the simulated kubelet of a node. KWOK (v0.8, node_lease_controller.go) simulates it while it holds the node's lease, so another
 * holder stops it. An annotation stores the previous holder.
 */
async function setKubelet(context: Context, name: string, running: boolean): Promise<void> {
  const lease = { name, namespace: "kube-node-lease" };
  const annotation = "pulsar-rehearsal/kubelet";
  const options = await patchOptions("MergePatch");
  await retry(context, `the change of the lease of ${name}`, async () => {
    const { metadata, spec } = await context.api.coordination.readNamespacedLease(lease);
    const saved = metadata?.annotations?.[annotation];
    if (running === (saved === undefined)) return true;
    const previous = JSON.stringify({
      holderIdentity: spec?.holderIdentity,
      leaseDurationSeconds: spec?.leaseDurationSeconds,
    });
    const body = {
      metadata: {
        resourceVersion: metadata?.resourceVersion,
        annotations: { [annotation]: running ? null : previous },
      },
      spec:
        saved === undefined
          ? { holderIdentity: "nobody", leaseDurationSeconds: 86_400 }
          : (JSON.parse(saved) as object),
    };
    return context.api.coordination.patchNamespacedLease({ ...lease, body }, options);
  });
}

/** Sets the Ready condition of a node, with the reason and message of a kubelet or of the node lifecycle controller. */
async function setReady(context: Context, name: string, ready: boolean): Promise<void> {
  const { status } = await context.api.core.readNode({ name });
  const wasReady = status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  if (wasReady === ready) return;
  const state = ready
    ? { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
    : { status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
  const condition = { type: "Ready", ...state, lastTransitionTime: new Date().toISOString() };
  const body = { status: { conditions: [condition] } };
  await context.api.core.patchNodeStatus({ name, body }, await patchOptions("StrategicMergePatch"));
}

export async function cordon({ api }: Context, name: string, unschedulable: boolean): Promise<void> {
  const body = { spec: { unschedulable: unschedulable || null } };
  await api.core.patchNode({ name, body }, await patchOptions("MergePatch"));
}

async function setTaints(context: Context, name: string, change: (taints: Taint[]) => Taint[]): Promise<void> {
  const options = await patchOptions("MergePatch");
  await retry(context, `the change of the taints of ${name}`, async () => {
    const { metadata, spec } = await context.api.core.readNode({ name });
    const body = {
      metadata: { resourceVersion: metadata?.resourceVersion },
      spec: { taints: change(spec?.taints ?? []) },
    };
    return context.api.core.patchNode({ name, body }, options);
  });
}

async function patchOptions(strategy: "MergePatch" | "StrategicMergePatch") {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  return setHeaderOptions("Content-Type", PatchStrategy[strategy]);
}

/** Milliseconds without a successful eviction after which a drain stops, and between two attempts. */
const evictionTimeout = 10_000;
const evictionInterval = 500;

async function evict({ api, workspace }: Context, pods: readonly V1Pod[]): Promise<Map<string, string>> {
  const { V1Eviction, V1ObjectMeta } = await import("@kubernetes/client-node");
  let waiting = pods.map(idOf);
  let since = Date.now();
  for (;;) {
    const refused = new Map<string, string>();
    for (const pod of waiting) {
      const body = Object.assign(new V1Eviction(), { metadata: Object.assign(new V1ObjectMeta(), pod) });
      const why = await refusal(api.core.createNamespacedPodEviction({ ...pod, body }));
      if (why !== undefined) refused.set(pod.name, why);
    }
    if (refused.size < waiting.length) since = Date.now();
    waiting = waiting.filter(({ name }) => refused.has(name));
    workspace.signal.throwIfAborted();
    if (waiting.length === 0 || Date.now() - since > evictionTimeout) return refused;
    await setTimeout(evictionInterval);
  }
}

/** Why an eviction is refused: the API server's message, with the name and numbers of the disruption budget. */
async function refusal(eviction: Promise<unknown>): Promise<string | undefined> {
  try {
    await ignoreNotFound(eviction);
    return undefined;
  } catch (fault) {
    const status = bodyOf(fault);
    if (status === undefined) throw fault;
    return status.details?.causes?.[0]?.message ?? status.message ?? "refused";
  }
}

interface StatusBody {
  message?: string;
  details?: { causes?: { message?: string }[] };
}

function bodyOf(fault: unknown): StatusBody | undefined {
  if (!(fault instanceof Error && "body" in fault)) return undefined;
  return (typeof fault.body === "string" ? JSON.parse(fault.body) : fault.body) as StatusBody;
}

async function ignoreNotFound(request: Promise<unknown>): Promise<void> {
  await request.catch((fault: unknown) => {
    if (!(fault instanceof Error && "code" in fault && fault.code === 404)) throw fault;
  });
}

/**
 * Waits until `deleted` pods no longer exist, each of their controllers has created at least one new pod, and the scheduler has considered every
 * pod. An ordered StatefulSet creates a pod only when its other pods are ready.
 */
async function waitForReplacement(
  context: Context,
  before: readonly V1Pod[],
  deleted: readonly V1Pod[],
): Promise<void> {
  const { api, settings } = context;
  const { items } = await api.apps.listNamespacedStatefulSet({ namespace: settings.namespace });
  const ordered = items
    .filter(({ spec }) => spec?.podManagementPolicy !== "Parallel")
    .map(({ metadata }) => metadata?.uid);
  const uids = (pods: readonly V1Pod[]) => new Set(pods.map(({ metadata }) => metadata?.uid));
  const [existed, gone] = [uids(before), uids(deleted)];
  const controllers = new Set(deleted.flatMap((pod) => controllerOf(pod) ?? []));
  await retry(context, "the pods to be created again", async () => {
    const pods = await podsOf(context);
    if (pods.some(({ metadata }) => gone.has(metadata?.uid))) return undefined;
    const replaced = (controller: string) =>
      pods
        .filter((pod) => controllerOf(pod) === controller)
        .some((pod) => !existed.has(pod.metadata?.uid) || (ordered.includes(controller) && !podIsReady(pod)));
    const considered = ({ spec, status }: V1Pod) =>
      spec?.nodeName !== undefined || status?.conditions?.some(({ type }) => type === "PodScheduled");
    return [...controllers].every(replaced) && pods.every(considered) ? true : undefined;
  });
}

/** The uid of the controller that replaces a deleted pod. Undefined for pods of Jobs, which are complete. */
function controllerOf({ metadata }: V1Pod): string | undefined {
  return metadata?.ownerReferences?.find(({ controller, kind }) => controller === true && kind !== "Job")?.uid;
}

async function podsOf({ api, settings: { namespace } }: Pick<Context, "api" | "settings">): Promise<V1Pod[]> {
  return (await api.core.listNamespacedPod({ namespace })).items;
}

function isOn(nodes: readonly string[]): (pod: V1Pod) => boolean {
  return ({ spec }) => spec?.nodeName !== undefined && nodes.includes(spec.nodeName);
}

/** Retries until the probe succeeds. Controllers write the same objects, so a patch can fail with a conflict. */
async function retry<T>({ workspace }: Pick<Context, "workspace">, what: string, probe: () => Promise<T | undefined>) {
  const waiting: WaitOptions = { what, limit, signal: workspace.signal };
  return waitFor(probe, waiting);
}

function idOf({ metadata }: V1Pod): { name: string; namespace: string } {
  return { name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" };
}

function withoutTaints(taints: readonly Taint[], prefix: string): Taint[] {
  return taints.filter(({ key }) => !key.startsWith(prefix));
}
