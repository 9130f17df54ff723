import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../protocol.ts";
import { type Api, type Identity, hasReason } from "./api.ts";
import { type KubeObject, annotation, at, count, list, text } from "./kinds.ts";

/** How far an object has come. */
export interface Readiness {
  ready: boolean;
  /** What is still waited for. */
  waitingFor?: string;
  /** Why it will never be ready. */
  failure?: string;
}

const defaultTimeoutSeconds = 600;
const volumeTimeoutSeconds = 300;

/**
 * Whether an object does what its kind is for. Other kinds count as ready from the start, and so does a Service without a load
 * balancer: unlike the official plugin, this does not look at its endpoints.
 */
export function readiness(object: KubeObject): Readiness {
  switch (`${object.apiVersion}/${object.kind}`) {
    case "batch/v1/Job":
      return jobReadiness(object);
    case "v1/PersistentVolume":
      return inPhase(object, ["Available", "Bound"]);
    case "v1/PersistentVolumeClaim":
      return inPhase(object, ["Bound"]);
    case "v1/Pod":
      return { ready: condition(object, "Ready")?.status === "True" || phase(object) === "Succeeded" };
    case "v1/Service":
      return serviceReadiness(object);
    case "apps/v1/Deployment":
      return deploymentReadiness(object);
    case "apps/v1/StatefulSet":
      return replicaReadiness(object, ["updatedReplicas", "readyReplicas"]);
    case "apps/v1/DaemonSet":
      return daemonSetReadiness(object);
    default:
      return { ready: true };
  }
}

/** Kinds whose readiness `refresh` looks at too: an unfinished one is kept with its error. */
const readinessOnRead = new Set(["Job", "Pod", "Deployment", "StatefulSet", "DaemonSet", "Service"]);

export function isReadinessRead({ kind }: KubeObject): boolean {
  return readinessOnRead.has(kind);
}

interface Condition {
  type?: string;
  status?: string;
  reason?: string;
  message?: string;
}

function condition(object: KubeObject, type: string): Condition | undefined {
  return (list(at(object, "status", "conditions")) as Condition[]).find((candidate) => candidate.type === type);
}

function phase(object: KubeObject): string {
  return text(at(object, "status", "phase"));
}

function inPhase(object: KubeObject, phases: string[]): Readiness {
  return { ready: phases.includes(phase(object)), waitingFor: `phase ${phases.join(" or ")}` };
}

function jobReadiness(job: KubeObject): Readiness {
  const failed = condition(job, "Failed");
  if (failed?.status === "True") {
    return { ready: false, failure: `[${failed.reason ?? "Failed"}] ${failed.message ?? ""}`.trim() };
  }
  const [active, succeeded, failures] = ["active", "succeeded", "failed"].map((key) => count(at(job, "status", key)));
  return {
    ready: condition(job, "Complete")?.status === "True",
    waitingFor: `Job to succeed (Active: ${active ?? 0} | Succeeded: ${succeeded ?? 0} | Failed: ${failures ?? 0})`,
  };
}

function serviceReadiness(service: KubeObject): Readiness {
  const balanced = at(service, "spec", "type") === "LoadBalancer";
  const ready = !balanced || list(at(service, "status", "loadBalancer", "ingress")).length > 0;
  return { ready, waitingFor: "the load balancer's address" };
}

function deploymentReadiness(deployment: KubeObject): Readiness {
  const progressing = condition(deployment, "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") return { ready: false, failure: progressing.message };
  return replicaReadiness(deployment, ["updatedReplicas", "availableReplicas"]);
}

function replicaReadiness(workload: KubeObject, counters: string[]): Readiness {
  const wanted = count(at(workload, "spec", "replicas") ?? 1);
  const reached = Math.min(...counters.map((counter) => count(at(workload, "status", counter))));
  return { ready: isObserved(workload) && reached >= wanted, waitingFor: `replicas (${reached} of ${wanted})` };
}

function daemonSetReadiness(daemonSet: KubeObject): Readiness {
  const wanted = count(at(daemonSet, "status", "desiredNumberScheduled"));
  const reached = Math.min(
    ...["updatedNumberScheduled", "numberReady"].map((counter) => count(at(daemonSet, "status", counter))),
  );
  return { ready: isObserved(daemonSet) && reached >= wanted, waitingFor: `pods (${reached} of ${wanted})` };
}

function isObserved(object: KubeObject): boolean {
  return count(at(object, "status", "observedGeneration")) >= count(object.metadata.generation);
}

/** Limit in milliseconds for one wait: the resource's own, else its annotation's, else the kind's. */
export function timeoutOf(object: KubeObject, call: Call): number {
  const annotated = Number(annotation(object, "timeoutSeconds")) || 0;
  const byKind = object.kind.startsWith("PersistentVolume") ? volumeTimeoutSeconds : defaultTimeoutSeconds;
  return (call.timeoutSeconds || annotated || byKind) * 1000;
}

/** The object is there and did not become what was wanted. */
export class NotReady extends Error {
  readonly object: KubeObject;

  constructor(message: string, object: KubeObject) {
    super(message);
    this.object = object;
  }
}

/** @returns the object once it is ready. @throws NotReady when it failed, the time is over or the engine cancels. */
export async function untilReady(api: Api, created: KubeObject, inputs: KubeObject, call: Call): Promise<KubeObject> {
  if (annotation(inputs, "skipAwait") === "true") return created;
  const name = created.metadata.name ?? "";
  const deadline = Date.now() + timeoutOf(inputs, call);
  let object = created;
  let shown = "";
  const show = (status: string): void => {
    if (status !== shown) call.log.status(status);
    shown = status;
  };
  for (const pause of pauses()) {
    const { ready, waitingFor, failure } = await readinessIn(api, object);
    if (ready) {
      show("");
      return object;
    }
    if (failure) {
      const problems = [failure, ...(await podProblems(api, object))];
      throw new NotReady([`Resource '${name}' was created but failed to initialize`, ...problems].join("\n"), object);
    }
    if (call.signal.aborted) throw new NotReady(`Resource operation was cancelled for "${name}"`, object);
    if (Date.now() > deadline) {
      const problems = await podProblems(api, object);
      throw new NotReady([`'${name}' timed out waiting to be Ready`, ...problems].join("\n"), object);
    }
    if (waitingFor) show(`Waiting for ${waitingFor}`);
    await sleep(pause);
    object = await api.get(object);
  }
  return object;
}

/** Like {@link readiness}, for an object that is there already. @throws NotReady */
export async function checkReadiness(api: Api, object: KubeObject): Promise<void> {
  if (!isReadinessRead(object) || readiness(object).ready) return;
  const { failure } = readiness(object);
  const problems = [...(failure ? [failure] : []), ...(await podProblems(api, object))];
  const name = object.metadata.name ?? "";
  throw new NotReady([`Resource '${name}' was created but failed to initialize`, ...problems].join("\n"), object);
}

/** A claim whose class binds at the first consumer is ready while it waits for that. */
async function readinessIn(api: Api, object: KubeObject): Promise<Readiness> {
  const known = readiness(object);
  const storageClass = text(at(object, "spec", "storageClassName"));
  if (known.ready || object.kind !== "PersistentVolumeClaim" || !storageClass) return known;
  const identity = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: storageClass } };
  return (await getOrGone(api, identity))?.volumeBindingMode === "WaitForFirstConsumer"
    ? { ready: phase(object) === "Pending" }
    : known;
}

/** @throws Error when the object is still there at the end of the time, with what may hold it. */
export async function untilGone(
  api: Api,
  identity: Identity,
  uid: unknown,
  inputs: KubeObject,
  call: Call,
): Promise<void> {
  const deadline = Date.now() + timeoutOf(inputs, call);
  for (const pause of pauses()) {
    const live = await getOrGone(api, identity);
    if (!live || (uid !== undefined && live.metadata.uid !== uid)) return;
    if (call.signal.aborted || Date.now() > deadline) {
      call.log.warn(`finalizers might be preventing deletion (${list(live.metadata.finalizers).join(", ")})`);
      throw new Error(call.signal.aborted ? "the deletion was cancelled" : "timed out waiting for the condition");
    }
    await sleep(pause);
  }
}

/** @returns `undefined` for what is not there. */
export async function getOrGone(api: Api, identity: Identity): Promise<KubeObject | undefined> {
  try {
    return await api.get(identity);
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** Milliseconds between two looks: short at first, as most waits are, never long. */
function* pauses(): Generator<number, void> {
  for (let pause = 30; ; pause = Math.min(pause * 1.5, 250)) yield pause;
}

interface ContainerStatus {
  name?: string;
  ready?: boolean;
  state?: { waiting?: ContainerState; terminated?: ContainerState };
}

interface ContainerState {
  reason?: string;
  message?: string;
  exitCode?: number;
}

/** What is wrong with the pods that an object's selector finds. */
async function podProblems(api: Api, owner: KubeObject): Promise<string[]> {
  const labels = at(owner, "spec", "selector", "matchLabels");
  if (!labels) return owner.kind === "Pod" ? problemsOf(owner) : [];
  const selector = Object.entries(labels as Record<string, string>).map((pair) => pair.join("="));
  const pods = { apiVersion: "v1", kind: "Pod", namespace: owner.metadata.namespace ?? "default" };
  const found = await api.list(pods, selector.join(","));
  return found.flatMap((pod) => problemsOf({ ...pod, kind: "Pod" }));
}

function problemsOf(pod: KubeObject): string[] {
  if (phase(pod) === "Succeeded") return [];
  const unscheduled = condition(pod, "PodScheduled");
  const reasons =
    unscheduled?.status === "False"
      ? [unscheduled.message ?? ""]
      : (list(at(pod, "status", "containerStatuses")) as ContainerStatus[]).flatMap(containerProblems);
  return reasons.map((reason) => `[Pod ${pod.metadata.namespace ?? ""}/${pod.metadata.name ?? ""}]: ${reason}`);
}

function containerProblems({ name = "", ready, state }: ContainerStatus): string[] {
  const { waiting, terminated } = state ?? {};
  if (ready) return [];
  if (waiting && waiting.reason !== "ContainerCreating") return [`[${waiting.reason ?? ""}] ${waiting.message ?? ""}`];
  if (!terminated?.reason) return [];
  if (terminated.message) return [`[${terminated.reason}] ${terminated.message}`];
  return [`container "${name}" completed with exit code ${terminated.exitCode ?? 0}`];
}
