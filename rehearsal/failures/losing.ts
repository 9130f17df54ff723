/** Simulates failed and drained nodes, and restores them. */
import { setTimeout } from "node:timers/promises";
import type { V1Pod, V1Taint } from "@kubernetes/client-node";
import { isReady } from "../cluster/controlPlane.ts";
import type { Plain } from "../cluster/api.ts";
import type { Stage } from "../stage.ts";
import { quorumOf, type Quorum } from "./survival.ts";
import { waitFor, type Waiting } from "../cluster/waiting.ts";

type Ground = Pick<Stage, "api" | "settings" | "workspace">;
type Taint = Plain<V1Taint>;

/** How long the control plane may take for a step of its own, in milliseconds. */
const limit = 60_000;

/** What an operator says of a node that is off for certain; only then does Kubernetes let go of pods whose end no kubelet confirms (1.28). */
const outOfService: Taint = {
  key: "node.kubernetes.io/out-of-service",
  value: "nodeshutdown",
  effect: "NoExecute",
};

/**
 * Lets nodes die as nodes do, without the waiting. Their kubelets fall silent; the control plane calls them unreachable (after 40 s, were this
 * not said for it); an operator makes sure that they are off and says so; and the pods are removed, by the garbage collector's rule (which
 * looks every 20 s). Answers once whatever makes pods has made the first of them anew and the scheduler has looked at each.
 */
export async function lose(ground: Ground, nodes: readonly string[]): Promise<void> {
  const { api } = ground;
  await Promise.all(
    nodes.map(async (name) => {
      await stopKubelet(ground, name);
      await setTaints(ground, name, (taints) => [...without(taints, outOfService.key), outOfService]);
    }),
  );
  const gone = await podsOn(ground, nodes);
  await Promise.all(
    gone.map((pod) => unlessGone(api.core.deleteNamespacedPod({ ...idOf(pod), gracePeriodSeconds: 0 }))),
  );
  await replaced(ground, gone);
}

/**
 * Drains nodes as kubectl does: cordons all, then evicts the pods of one node after the other, asking again where a disruption budget refuses.
 * kubectl retries without end; this stops once no eviction has succeeded for `evictionTimeout`.
 *
 * @returns why a pod was not evicted, by its name
 */
export async function drain(ground: Ground, nodes: readonly string[]): Promise<Map<string, string>> {
  const all = await podsOn(ground, nodes);
  await Promise.all(nodes.map((name) => cordon(ground, name, true)));
  const refused = new Map<string, string>();
  for (const node of nodes) {
    for (const [pod, why] of await evict(ground, await podsOn(ground, [node]))) refused.set(pod, why);
  }
  await replaced(
    ground,
    all.filter(({ metadata }) => !refused.has(metadata?.name ?? "")),
  );
  return refused;
}

/** Gives nodes back that were lost or drained. Their pods start there as soon as the scheduler gets to it. */
export async function giveBack(ground: Ground, nodes: readonly string[]): Promise<void> {
  await Promise.all(
    nodes.map(async (name) => {
      await kubelet(ground, name, true);
      await setReady(ground, name, true);
      await cordon(ground, name, false);
      await again(ground, `the return of ${name}`, async () => {
        if (isReady(await ground.api.core.readNode({ name }))) return true;
        // The control plane takes back the taint that evicts only at its next round, and the operator's never.
        await setTaints(ground, name, (taints) => without(taints, "node.kubernetes.io/"));
        return undefined;
      });
    }),
  );
}

/** How the brokers write ledgers, from their ConfigMap. */
export async function readQuorum({ api, settings: { namespace } }: Ground): Promise<Quorum> {
  const { items } = await api.core.listNamespacedConfigMap({ namespace, labelSelector: "component=broker" });
  return quorumOf(Object.assign({}, ...items.map(({ data }) => data ?? {})) as Record<string, string>);
}

/** The kubelet falls silent, and the control plane takes notice: no pod is put there any more. */
async function stopKubelet(ground: Ground, name: string): Promise<void> {
  await kubelet(ground, name, false);
  await again(ground, `the control plane to notice that ${name} is gone`, async () => {
    // KWOK may hear of this before it hears that it no longer plays this kubelet, and take it back.
    await setReady(ground, name, false);
    const { spec } = await ground.api.core.readNode({ name });
    return spec?.taints?.some(({ key }) => key === "node.kubernetes.io/unreachable") === true ? true : undefined;
  });
}

/**
 * KWOK plays the kubelet of a node as long as it holds the node's lease (v0.8, node_lease_controller.go), whatever annotations the node has.
 * While the node is lost somebody else holds it, and a note says who held it before.
 */
async function kubelet(ground: Ground, name: string, alive: boolean): Promise<void> {
  const lease = { name, namespace: "kube-node-lease" };
  const note = "pulsar-rehearsal/kubelet";
  const asMerge = await patchAs("MergePatch");
  await again(ground, `the change of the lease of ${name}`, async () => {
    const { metadata, spec } = await ground.api.coordination.readNamespacedLease(lease);
    const kept = metadata?.annotations?.[note];
    if (alive === (kept === undefined)) return true;
    const held = JSON.stringify({
      holderIdentity: spec?.holderIdentity,
      leaseDurationSeconds: spec?.leaseDurationSeconds,
    });
    const body = {
      metadata: { resourceVersion: metadata?.resourceVersion, annotations: { [note]: alive ? null : held } },
      spec:
        kept === undefined ? { holderIdentity: "nobody", leaseDurationSeconds: 86_400 } : (JSON.parse(kept) as object),
    };
    return ground.api.coordination.patchNamespacedLease({ ...lease, body }, asMerge);
  });
}

/** Says of a node whether its kubelet does, in the words of a kubelet or of the node lifecycle controller. */
async function setReady(ground: Ground, name: string, ready: boolean): Promise<void> {
  const { status } = await ground.api.core.readNode({ name });
  const wasReady = status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  if (wasReady === ready) return;
  const words = ready
    ? { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
    : { status: "Unknown", reason: "NodeStatusUnknown", message: "Kubelet stopped posting node status." };
  const condition = { type: "Ready", ...words, lastTransitionTime: new Date().toISOString() };
  const body = { status: { conditions: [condition] } };
  await ground.api.core.patchNodeStatus({ name, body }, await patchAs("StrategicMergePatch"));
}

async function cordon({ api }: Ground, name: string, unschedulable: boolean): Promise<void> {
  const body = { spec: { unschedulable: unschedulable || null } };
  await api.core.patchNode({ name, body }, await patchAs("MergePatch"));
}

async function setTaints(ground: Ground, name: string, to: (taints: Taint[]) => Taint[]): Promise<void> {
  const asMerge = await patchAs("MergePatch");
  await again(ground, `the change of the taints of ${name}`, async () => {
    const { metadata, spec } = await ground.api.core.readNode({ name });
    const body = { metadata: { resourceVersion: metadata?.resourceVersion }, spec: { taints: to(spec?.taints ?? []) } };
    return ground.api.core.patchNode({ name, body }, asMerge);
  });
}

async function patchAs(strategy: "MergePatch" | "StrategicMergePatch") {
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  return setHeaderOptions("Content-Type", PatchStrategy[strategy]);
}

/** Milliseconds without a successful eviction after which refusals are final, and between two attempts. */
const evictionTimeout = 10_000;
const evictionInterval = 500;

async function evict({ api, workspace }: Ground, pods: readonly V1Pod[]): Promise<Map<string, string>> {
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

/** What an eviction is refused with: the budget's name and numbers, as the API server tells them. */
async function refusal(eviction: Promise<unknown>): Promise<string | undefined> {
  try {
    await unlessGone(eviction);
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

async function unlessGone(request: Promise<unknown>): Promise<void> {
  await request.catch((fault: unknown) => {
    if (!(fault instanceof Error && "code" in fault && fault.code === 404)) throw fault;
  });
}

/**
 * Waits until pods are gone and each controller that had some has made at least one anew (an ordered StatefulSet makes no second one before the
 * first runs), and until the scheduler has looked at all there are.
 */
async function replaced(ground: Ground, gone: readonly V1Pod[]): Promise<void> {
  const old = new Set(gone.map(({ metadata }) => metadata?.uid));
  const controllers = new Set(gone.flatMap((pod) => controllerOf(pod) ?? []));
  await again(ground, "the pods to be created again", async () => {
    const pods = await podsOf(ground);
    if (pods.some(({ metadata }) => old.has(metadata?.uid))) return undefined;
    const made = new Set(pods.filter(({ metadata }) => !metadata?.deletionTimestamp).map(controllerOf));
    const lookedAt = ({ spec, status }: V1Pod) =>
      spec?.nodeName !== undefined || status?.conditions?.some(({ type }) => type === "PodScheduled");
    return [...controllers].every((controller) => made.has(controller)) && pods.every(lookedAt) ? true : undefined;
  });
}

/** The controller that makes a pod anew when it is gone; none for Jobs, which are done. */
function controllerOf({ metadata }: V1Pod): string | undefined {
  return metadata?.ownerReferences?.find(({ controller, kind }) => controller === true && kind !== "Job")?.uid;
}

async function podsOf({ api, settings: { namespace } }: Pick<Ground, "api" | "settings">): Promise<V1Pod[]> {
  return (await api.core.listNamespacedPod({ namespace })).items;
}

async function podsOn(ground: Pick<Ground, "api" | "settings">, nodes: readonly string[]): Promise<V1Pod[]> {
  return (await podsOf(ground)).filter(({ spec }) => spec?.nodeName !== undefined && nodes.includes(spec.nodeName));
}

/** Retries until the probe succeeds. Controllers write the same objects, so a patch can fail with a conflict. */
async function again<T>({ workspace }: Pick<Ground, "workspace">, what: string, probe: () => Promise<T | undefined>) {
  const waiting: Waiting = { what, limit, signal: workspace.signal };
  return waitFor(probe, waiting);
}

function idOf({ metadata }: V1Pod): { name: string; namespace: string } {
  return { name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" };
}

function without(taints: readonly Taint[], prefix: string): Taint[] {
  return taints.filter(({ key }) => !key.startsWith(prefix));
}
