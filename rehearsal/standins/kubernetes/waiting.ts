import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../protocol.ts";
import { type Api, type Identity, hasReason } from "./api.ts";
import { type KubeObject, annotation, at, count, list, text } from "./kinds.ts";

/** The readiness of an object. */
export interface Readiness {
  ready: boolean;
  /** What is missing. */
  waitingFor?: string;
  /** Why it cannot become ready. */
  failure?: string;
}

const defaultTimeoutSeconds = 600;
/** The plugin polls volumes and claims for five minutes, whatever timeout is set (await/awaiters.go, 4.32). */
const volumeTimeoutSeconds = 300;

/** The kinds that are waited for. Kinds that the plugin does not wait for are ready at once. */
const readinessOf: Partial<Record<string, (object: KubeObject) => Readiness>> = {
  "batch/v1/Job": jobReadiness,
  "v1/PersistentVolume": (object) => inPhase(object, ["Available", "Bound"]),
  "v1/PersistentVolumeClaim": (object) => inPhase(object, ["Bound"]),
  "networking.k8s.io/v1/Ingress": addressReadiness,
};

/** Kinds that the plugin waits for and the stack does not create. */
const notImplemented = new Set([
  "v1/Pod",
  "v1/Service",
  "apps/v1/DaemonSet",
  "apps/v1/Deployment",
  "apps/v1/StatefulSet",
]);

/** The readiness of an object by the rules of its kind. */
export function readiness(object: KubeObject): Readiness {
  return readinessOf[versionedKind(object)]?.(object) ?? { ready: true };
}

function versionedKind({ apiVersion, kind }: KubeObject): string {
  return `${apiVersion}/${kind}`;
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
  // For any other reason, the plugin waits until the timeout.
  if (failed?.status === "True" && ["BackoffLimitExceeded", "DeadlineExceeded"].includes(failed.reason ?? "")) {
    return { ready: false, failure: `[${failed.reason ?? ""}] ${failed.message ?? ""}`.trim() };
  }
  const [active, succeeded, failures] = ["active", "succeeded", "failed"].map((key) => count(at(job, "status", key)));
  return {
    ready: condition(job, "Complete")?.status === "True",
    waitingFor: `Job to succeed (Active: ${active ?? 0} | Succeeded: ${succeeded ?? 0} | Failed: ${failures ?? 0})`,
  };
}

function addressReadiness(object: KubeObject): Readiness {
  const ready = list(at(object, "status", "loadBalancer", "ingress")).length > 0;
  return { ready, waitingFor: ".status.loadBalancer with a hostname or IP address" };
}

/** The timeout of a wait in milliseconds: that of the resource, else ten minutes. */
function timeoutOf(call: Call): number {
  return (call.timeoutSeconds || defaultTimeoutSeconds) * 1000;
}

/** The object exists and did not become ready. */
export class NotReady extends Error {
  readonly object: KubeObject;

  constructor(message: string, object: KubeObject) {
    super(message);
    this.object = object;
  }
}

/**
 * Waits until an applied object is ready. As with the plugin, it starts with a separate request, so that earlier states of the object are not seen.
 * @param updating - whether the object existed before
 * @returns the object when it is ready
 * @throws NotReady if it failed, at the timeout, or if the engine cancels
 */
export async function untilReady(
  api: Api,
  applied: KubeObject,
  inputs: KubeObject,
  call: Call,
  updating = false,
): Promise<KubeObject> {
  if (annotation(inputs, "skipAwait") === "true") return applied;
  if (notImplemented.has(versionedKind(applied))) {
    throw new Error(`${versionedKind(applied)}: the stand-in of the kubernetes plugin cannot wait for this kind`);
  }
  const expected = expectedOf(applied);
  if (!expected && !(versionedKind(applied) in readinessOf)) return applied;
  const polled = !expected && applied.kind.startsWith("PersistentVolume");
  const name = applied.metadata.name ?? "";
  const deadline = Date.now() + (polled ? volumeTimeoutSeconds * 1000 : timeoutOf(call));
  let shown = "";
  const show = (status: string): void => {
    if (status !== shown) call.log.status(status);
    shown = status;
  };
  for (const pause of pauses()) {
    const object = await api.get(applied);
    const { ready, waitingFor, failure } = expected
      ? matches(object, expected)
      : await readinessIn(api, object, updating);
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
      if (polled) throw new NotReady(`Timeout occurred polling for '${name}'`, object);
      if (expected) throw new NotReady(`timed out waiting for the condition: ${waitingFor ?? ""}`, object);
      const problems = await podProblems(api, object);
      throw new NotReady([`'${name}' timed out waiting to be Ready`, ...problems].join("\n"), object);
    }
    if (waitingFor) show(`Waiting for ${waitingFor}`);
    await sleep(pause);
  }
  return applied;
}

interface Expected {
  expression: string;
  path: string[];
  value: string;
}

/**
 * The condition of the annotation `pulumi.com/waitFor`, which replaces that of the kind.
 * @throws Error for anything but `jsonpath={.a.b}=value`, the only implemented form
 */
function expectedOf(applied: KubeObject): Expected | undefined {
  const expression = annotation(applied, "waitFor");
  if (expression === "") return undefined;
  const [, path, value] = /^jsonpath=\{((?:\.\w+)+)\}=([^=]+)$/.exec(expression) ?? [];
  if (path === undefined || value === undefined) {
    throw new Error(`pulumi.com/waitFor: ${expression}: not implemented by the stand-in of the kubernetes plugin`);
  }
  return { expression: `{${path}}=${value}`, path: path.slice(1).split("."), value };
}

function matches(object: KubeObject, { expression, path, value }: Expected): Readiness {
  const found = at(object, ...path);
  return { ready: found === value, waitingFor: `${expression} (found ${JSON.stringify(found)})` };
}

/** Kinds whose readiness `refresh` checks too. The state keeps an unready object with the error. */
const readinessOnRead = new Set(["Job", "Ingress"]);

/** Checks an existing object once. @throws NotReady */
export async function checkReadiness(api: Api, object: KubeObject): Promise<void> {
  const { ready, failure } = readiness(object);
  if (ready || !readinessOnRead.has(object.kind)) return;
  const problems = [...(failure ? [failure] : []), ...(await podProblems(api, object))];
  const name = object.metadata.name ?? "";
  throw new NotReady([`Resource '${name}' was created but failed to initialize`, ...problems].join("\n"), object);
}

/**
 * A new claim of a class with WaitForFirstConsumer is ready when it is Pending, and not when it is Bound (as in the plugin 4.32). An existing claim is
 * ready in either phase.
 */
async function readinessIn(api: Api, object: KubeObject, updating: boolean): Promise<Readiness> {
  const known = readiness(object);
  const storageClass = text(at(object, "spec", "storageClassName"));
  if (object.kind !== "PersistentVolumeClaim" || !storageClass || (updating && known.ready)) return known;
  const identity = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: storageClass } };
  return (await getOrGone(api, identity))?.volumeBindingMode === "WaitForFirstConsumer"
    ? inPhase(object, ["Pending"])
    : known;
}

/** Waits until an object is deleted. Warns of its finalizers. @throws Error at the timeout */
export async function untilGone(api: Api, identity: Identity, uid: unknown, call: Call): Promise<void> {
  const deadline = Date.now() + timeoutOf(call);
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

/** @returns `undefined` if the object does not exist */
export async function getOrGone(api: Api, identity: Identity): Promise<KubeObject | undefined> {
  try {
    return await api.get(identity);
  } catch (error) {
    if (hasReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** Milliseconds between two requests: short at first, because most waits are short. */
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

/** The problems of the pods that an object's selector matches. */
async function podProblems(api: Api, owner: KubeObject): Promise<string[]> {
  const labels = at(owner, "spec", "selector", "matchLabels");
  if (!labels) return [];
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
