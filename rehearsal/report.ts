import type { Layout } from "../components/layouts/layout.ts";
import { explain } from "./explain.ts";
import type { Observation, PodView } from "./observe.ts";
import { componentOf, offPlan } from "./plan.ts";
import { openMatters } from "./settling.ts";
import { byName, compareNames } from "./sorting.ts";
import { table } from "./table.ts";

/** One run of the engine within a rehearsal. */
export interface Operation {
  name: "up" | "second up" | "refresh" | "destroy";
  seconds: number;
  /**
   * `done`: what it had to do, done; for the second `up` and the refresh that is nothing. `changed`: something that should have stayed as
   * it was did not. `failed`: it ended with an error. `stopped`: the rehearsal ended it, because it would have waited for ever.
   */
  outcome: "done" | "changed" | "failed" | "stopped";
  /** What changed or failed, a line each, without secrets. */
  details: string[];
}

/** What a rehearsal has seen: everything the report is made from. */
export interface RehearsalRecord {
  stack: string;
  /** The plan that the pods are held against. */
  layout: Layout;
  /** The Secret every image is to be pulled with; none where the registry is open. */
  pullSecret?: string | undefined;
  /** What was the real thing, with versions, and what was not. */
  parts: { real: string[]; standIns: string[] };
  operations: Operation[];
  /** The cluster once it had settled after the first `up`; none when it did not get that far. */
  seen?: Observation | undefined;
  /** What simulated kubelets do not look for and real ones would miss, a line each. */
  missing: string[];
  /** What `destroy` should have removed and did not. */
  leftovers: string[];
  /** What was not the stack's and is not as it was before. */
  trespasses: string[];
}

export interface Verdict {
  ok: boolean;
  /** What would fail first comes first. A problem may be several lines where the engine had more to say. */
  problems: string[];
}

/** Whether the stack would start, stay as it is, and go without a trace; and what stands against it. */
export function verdict(record: RehearsalRecord): Verdict {
  const { seen } = record;
  const deployed = record.operations.some(({ name, outcome }) => name === "up" && outcome === "done");
  const problems = [
    ...(seen ? podProblems(seen) : []),
    ...(seen ? otherProblems(seen) : []),
    ...(seen ? offPlan(seen.pods, record.layout, deployed).map((fault) => `off plan: ${fault}`) : []),
    ...(seen && record.pullSecret !== undefined ? withoutPullSecret(seen.pods, record.pullSecret) : []),
    ...record.missing,
    ...record.operations.flatMap(operationProblems),
    ...record.leftovers.map((what) => `left behind by destroy: ${what}`),
    ...record.trespasses.map((what) => `not the stack's, and touched: ${what}`),
  ];
  return { ok: problems.length === 0, problems };
}

/** Pods that do not run, each with the scheduler's reason in plain words and in its own. */
function podProblems(seen: Observation): string[] {
  return seen.pods.flatMap((pod) => {
    if (pod.unscheduled !== undefined) {
      return [`${pod.name} cannot be placed: ${explain(pod, seen).join("; ")} (scheduler: "${pod.unscheduled}")`];
    }
    if (pod.state === "starting") return [`${pod.name} does not get ready on ${pod.node ?? "its node"}`];
    if (pod.state === "pending") return [`${pod.name} was never looked at by the scheduler`];
    return pod.state === "failed" && pod.job === undefined ? [`${pod.name} failed`] : [];
  });
}

/** What is open besides the pods, as far as no pod explains it already. */
function otherProblems(seen: Observation): string[] {
  const waiting = seen.pods.filter(({ state }) => state !== "ready" && state !== "done");
  const explained = new Set(waiting.flatMap(({ title, claims }) => [title, ...claims]));
  return openMatters(seen).flatMap(({ kind, name }) => {
    if (explained.has(name)) return [];
    switch (kind) {
      case "Job":
        return [`Job ${name} does not complete`];
      case "PersistentVolumeClaim":
        return [`claim ${name} is not bound to a volume`];
      case "Service":
        return [`Service ${name} waits for a load balancer's address, and Helm with it`];
      case "StatefulSet":
      case "Deployment":
        return missingPods(name, seen);
      case "Pod":
        return [];
    }
  });
}

/** A workload whose pods do not exist: they were refused, or the StatefulSet makes one after the other and an earlier one does not run. */
function missingPods(name: string, seen: Observation): string[] {
  const workload = seen.workloads.find((one) => one.name === name);
  if (!workload || workload.created === workload.wanted) return [];
  const silence = workload.kind === "StatefulSet" ? "each waits for the one before it" : "no reason is given";
  const because = workload.refusal ?? silence;
  return [`${workload.kind} ${name} has ${workload.created} of ${workload.wanted} pods: ${because}`];
}

/** Simulated kubelets pull no images, so this is looked up rather than seen. */
function withoutPullSecret(pods: readonly PodView[], secret: string): string[] {
  return pods
    .filter(({ pullSecrets }) => !pullSecrets.includes(secret))
    .map(({ name }) => `${name} would not get its image: it does not name the pull secret ${secret}`);
}

function operationProblems({ name, outcome, details }: Operation): string[] {
  const what = details.length === 0 ? "" : `: ${details.join("\n")}`;
  switch (outcome) {
    case "done":
      return [];
    case "changed":
      return [`${name} was not clean${what}`];
    case "failed":
      return [`${name} failed${what}`];
    case "stopped":
      return [`${name} would have waited for ever and was stopped${what}`];
  }
}

/** The whole report as text. It depends on the record alone, and not on the order in which the cluster listed things. */
export function render(record: RehearsalRecord): string {
  const { ok, problems } = verdict(record);
  const conclusion = ok
    ? `The stack ${record.stack} would start: ${countOf(record.seen?.pods ?? [])}, all where they are planned.`
    : `The stack ${record.stack} does not pass: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}.`;
  const sections: [string, string[]][] = [
    ["Real in this rehearsal", bullets(record.parts.real.length === 0 ? [] : [record.parts.real.join(", ")])],
    ["Not the real thing", bullets(record.parts.standIns)],
    ...(record.seen ? cluster(record.seen) : []),
    ["Operations", operations(record.operations)],
    ["Problems", bullets(problems)],
  ];
  return [
    `Rehearsal of the stack ${record.stack}`,
    ...sections.filter(([, lines]) => lines.length > 0).map(([title, lines]) => [title, ...indented(lines)].join("\n")),
    conclusion,
  ].join("\n\n");
}

function cluster(seen: Observation): [string, string[]][] {
  return [
    ["Pods by node", podTable(seen)],
    ["Pods without a node", bullets(seen.pods.filter(({ node }) => node === undefined).map(({ name }) => name))],
    [
      "Init Jobs",
      table(seen.jobs.filter((job) => componentOf(job.component) === "init").map(({ name, state }) => [name, state])),
    ],
    ["Claims and volumes", volumeTable(seen)],
    ["Services", table(seen.services.map(({ name, type, ports }) => [name, type, ports.join(" ")]))],
  ];
}

/** The seed's table (section 1.1), with every node of the cluster. */
function podTable({ nodes, pods }: Observation): string[] {
  const rows = nodes.map(({ name }) => {
    const here = pods.filter(
      (pod) => pod.node === name && componentOf(pod.component) !== undefined && pod.job === undefined,
    );
    return [
      name,
      here
        .map(({ title }) => title)
        .sort(compareNames)
        .join(", ") || "-",
    ];
  });
  return table(rows);
}

function volumeTable({ claims, volumes }: Observation): string[] {
  const rows = claims.map((claim) => {
    const volume = volumes.find(({ name }) => name === claim.volume);
    return [claim.name, claim.phase, volume?.size ?? "", volume?.hostnames.join(", ") ?? ""];
  });
  const own = new Set(claims.map(({ volume }) => volume));
  const unclaimed = volumes
    .filter(({ name, claim }) => claim !== undefined && !own.has(name))
    .sort(byName)
    .map(({ name, phase, size, hostnames }) => [`${name} (no claim)`, phase, size, hostnames.join(", ")]);
  return rows.length + unclaimed.length === 0 ? [] : table([["claim", "phase", "size", "node"], ...rows, ...unclaimed]);
}

function operations(all: readonly Operation[]): string[] {
  return table(
    all.map(({ name, seconds, outcome }) => [name, `${seconds.toFixed(1)} s`.padStart(7), outcomeText(name, outcome)]),
  );
}

function outcomeText(name: Operation["name"], outcome: Operation["outcome"]): string {
  if (outcome === "changed") return "NOT CLEAN";
  if (outcome !== "done") return outcome.toUpperCase();
  if (name === "second up") return "nothing to change";
  return name === "refresh" ? "nothing found" : "done";
}

function countOf(pods: readonly PodView[]): string {
  const running = pods.filter(({ state }) => state === "ready").length;
  return `${running} pods run`;
}

function bullets(items: readonly string[]): string[] {
  return items.flatMap((item) => `- ${item.replaceAll("\n", "\n  ")}`.split("\n"));
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
