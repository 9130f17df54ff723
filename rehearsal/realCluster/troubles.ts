/** Why pods do not become ready, while `up` still waits for them. */
import type { CoreV1Event, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import type { Api, Plain } from "../cluster/api.ts";
import { count } from "../report/rows.ts";

export interface Trouble {
  pod: string;
  /** The container; absent if the pod itself is meant. */
  container?: string;
  kind: "image" | "container" | "crash" | "memory" | "probe" | "scheduling" | "mount" | "database";
  /** One line, without the pod. */
  text: string;
  /** Whether it persists until something is changed. */
  permanent: boolean;
}

interface Address {
  host: string;
  port: number;
}

const imageReasons = new Set(["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]);
const createReasons = new Set(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]);
const mountReasons = new Set(["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"]);

/** The exit status of the command `timeout`, which the charts' containers use. */
const timedOut = 124;

/** How often a container may crash before it counts as one that never starts. Pulsar's wait for each other, and may crash meanwhile. */
const crashLimit = 4;

/** Seconds after which a pod without a node, or with a failing probe, is reported. Both are normal for a short time. */
const grace = { scheduling: 15, probe: 30 };

/** The troubles of the pods that are not ready. @param now in milliseconds since 1970 */
export function troublesOf(
  pods: readonly Plain<V1Pod>[],
  events: readonly Plain<CoreV1Event>[],
  now: number,
): Trouble[] {
  return pods.filter(isWaiting).flatMap((pod) => {
    const name = pod.metadata?.name ?? "";
    const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    const own = events.filter(({ involvedObject }) => involvedObject.uid === pod.metadata?.uid);
    return [
      ...unscheduled(pod, now),
      ...containers.flatMap((container) => troubleOf(pod, container)),
      ...own.flatMap(eventTrouble),
    ].map((trouble) => ({ ...trouble, pod: name }));
  });
}

function isWaiting({ metadata, status }: Plain<V1Pod>): boolean {
  if (metadata?.deletionTimestamp !== undefined || status?.phase === "Succeeded") return false;
  return !status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True");
}

type Part = Omit<Trouble, "pod">;

function unscheduled({ status }: Plain<V1Pod>, now: number): Part[] {
  const condition = status?.conditions?.find(({ type, status: value }) => type === "PodScheduled" && value === "False");
  if (condition === undefined || secondsSince(condition.lastTransitionTime, now) < grace.scheduling) return [];
  return [{ kind: "scheduling", text: `no node for it: ${lineOf(condition.message)}`, permanent: true }];
}

function troubleOf({ spec }: Plain<V1Pod>, status: Plain<V1ContainerStatus>): Part[] {
  const { name, image, restartCount, state, lastState } = status;
  const { reason = "", message } = state?.waiting ?? {};
  const part = (kind: Trouble["kind"], text: string, permanent: boolean): Part[] => [{ container: name, kind, text, permanent }]; // prettier-ignore
  if (imageReasons.has(reason))
    return part("image", `image ${image} cannot be pulled: ${lineOf(message) || reason}`, true);
  if (createReasons.has(reason))
    return part("container", `container ${name} cannot be created: ${lineOf(message) || reason}`, true);
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended === undefined || (ended.exitCode === 0 && ended.reason !== "OOMKilled")) return [];
  const restarts = count(restartCount, "restart");
  if (ended.reason === "OOMKilled") {
    const limit = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find((one) => one.name === name)
      ?.resources?.limits?.["memory"];
    return part("memory", `container ${name} needed more memory than its limit${limit === undefined ? "" : ` of ${limit}`} and was killed (OOMKilled, ${restarts})`, restartCount >= 2); // prettier-ignore
  }
  return part(
    "crash",
    `container ${name} ended with exit status ${ended.exitCode}${ended.exitCode === timedOut ? ", a timeout" : ""} (${restarts})`,
    restartCount >= crashLimit,
  );
}

function eventTrouble({
  type,
  reason = "",
  message,
  count = 1,
  firstTimestamp,
  lastTimestamp,
}: Plain<CoreV1Event>): Part[] {
  if (type !== "Warning") return [];
  if (mountReasons.has(reason)) return [{ kind: "mount", text: `${reason}: ${lineOf(message)}`, permanent: false }];
  const lasted = secondsSince(firstTimestamp, lastTimestamp === undefined ? 0 : new Date(lastTimestamp).getTime());
  if (reason !== "Unhealthy" || count < 2 || lasted < grace.probe) return [];
  return [{ kind: "probe", text: lineOf(message), permanent: false }];
}

function secondsSince(time: Date | undefined, now: number): number {
  return time === undefined ? 0 : (now - new Date(time).getTime()) / 1000;
}

function lineOf(message = ""): string {
  return message.trim().replaceAll(/\s+/g, " ");
}

/** The lines of a log that are kept, and their length. */
const kept = { lines: 4, characters: 400 };

/** Watches the pods of a namespace, and reports each trouble once. */
export class TroubleWatch {
  readonly #log: (line: string) => void;
  readonly #reported = new Map<string, string>();
  #now: Trouble[] = [];
  #database: { asking: boolean; done: boolean; trouble?: Trouble } = { asking: false, done: false };

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Whether some pod will not become ready. */
  get permanent(): boolean {
    return this.#now.some(({ permanent }) => permanent);
  }

  /** The present troubles, one line each. */
  get lines(): string[] {
    return this.#now.map((trouble) => this.#reported.get(keyOf(trouble)) ?? "");
  }

  /** @param database PostgreSQL, as pods are told to reach it */
  async look(
    api: Api,
    { namespace, database, redact }: { namespace: string; database: Address; redact: (text: string) => string },
  ): Promise<void> {
    const [pods, events] = await Promise.all([
      api.core.listNamespacedPod({ namespace }),
      api.core.listNamespacedEvent({ namespace, fieldSelector: "type=Warning" }),
    ]);
    void this.#askForDatabase(api, namespace, database, pods.items);
    const { trouble } = this.#database;
    const found = [...troublesOf(pods.items, events.items, Date.now()), ...(trouble ? [trouble] : [])];
    for (const trouble of found) {
      if (this.#reported.has(keyOf(trouble))) continue;
      const output = trouble.kind === "crash" ? await lastLines(api, namespace, trouble) : "";
      const line = redact(`${trouble.pod}: ${trouble.text}${output === "" ? "" : `; its last lines: ${output}`}`);
      this.#reported.set(keyOf(trouble), line);
      this.#log(line);
    }
    this.#now = found;
  }

  /** The manager's containers do not end when they cannot reach the database. Not awaited, because an attempt may take 10 seconds. */
  async #askForDatabase(api: Api, namespace: string, { host, port }: Address, pods: readonly Plain<V1Pod>[]) {
    const state = this.#database;
    const manager = pods.find(({ metadata, status }) => metadata?.labels?.["component"] === "pulsar-manager" && status?.containerStatuses?.[0]?.state?.running); // prettier-ignore
    if (manager === undefined || state.done || state.asking) return;
    const [pod = "", container = ""] = [manager.metadata?.name, manager.status?.containerStatuses?.[0]?.name];
    state.asking = true;
    const code = await api
      .exec({ namespace, pod, container }, ["sh", "-c", connects, host, String(port)])
      // The container may have ended, or is a simulated one.
      .catch(() => undefined);
    state.asking = false;
    state.done = code === 0 || code === noTool;
    delete state.trouble;
    if (code === undefined || state.done) return;
    const text = `cannot reach PostgreSQL at ${host}:${port}; give an address of this machine that pods reach with --database-host`;
    state.trouble = { pod, kind: "database", text, permanent: true };
  }
}

/** Connects to the address $0, port $1. The manager's image has bash (v0.4.0), or the `nc` of BusyBox (v0.2.0). */
const connects =
  'if command -v bash >/dev/null; then timeout 10 bash -c ": >/dev/tcp/$0/$1" "$0" "$1"; else nc -z -w 10 "$0" "$1"; fi';
/** The exit status of a shell that does not find a command. */
const noTool = 127;

/** Restart counts do not make it another trouble. */
function keyOf({ pod, container = "", kind }: Trouble): string {
  return `${pod} ${container} ${kind}`;
}

async function lastLines(api: Api, namespace: string, { pod: name, container }: Trouble): Promise<string> {
  const read = (previous: boolean) =>
    api.core.readNamespacedPodLog({ name, namespace, container, previous, tailLines: 20 });
  // There is no previous container if the pod is not started again.
  const text = await read(true).catch(() => read(false).catch(() => ""));
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    // The second is the kubelet's, if the container is being started again.
    .filter((line) => line !== "" && !line.startsWith("unable to retrieve container logs"));
  return lines.slice(-kept.lines).join(" | ").slice(-kept.characters);
}
