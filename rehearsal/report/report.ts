import type { Layout } from "../../model/layouts/layout.ts";
import { enumerate, explain } from "./explain.ts";
import type { Observation, PodView } from "../cluster/observe.ts";
import { offPlan } from "./plan.ts";
import {
  conclusion,
  jobTable,
  operationTable,
  podTable,
  remains,
  serviceTable,
  type Table,
  volumeTable,
  whatIfTitle,
} from "./rows.ts";
import { openMatters } from "../failures/settling.ts";
import { table } from "./table.ts";
import type { WhatIf } from "../failures/whatIf.ts";

/** One run of the engine within a rehearsal. */
export interface Operation {
  name: "up" | "second up" | "refresh" | "destroy" | "destroy, unprotected";
  seconds: number;
  /**
   * `done`: what it had to do, done; for the second `up` and the refresh that is nothing. `changed`: something that should have stayed as
   * it was did not. `failed`: it ended with an error. `stopped`: the rehearsal ended it, because it would have waited for ever. `refused`: it
   * was to be refused, being the destroy of a production stack, and nothing was touched.
   */
  outcome: "done" | "changed" | "failed" | "stopped" | "refused";
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
  /** Every image that a pod of the stack may ask for. */
  images: string[];
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
  /** What became of the stack when nodes were taken away, each time from all of it running; none where nobody asked. */
  whatIfs?: WhatIf[];
}

export interface Verdict {
  ok: boolean;
  /** What would fail first comes first. A problem may be several lines where the engine had more to say. */
  problems: string[];
}

/** Whether the stack would start, stay as it is, go without a trace, and go on without the nodes taken away; and what stands against it. */
export function verdict(record: RehearsalRecord): Verdict {
  const { seen } = record;
  const deployed = record.operations.some(({ name, outcome }) => name === "up" && outcome === "done");
  const problems = [
    ...(seen ? podProblems(seen) : []),
    ...(seen ? otherProblems(seen) : []),
    ...(seen ? offPlan(seen.pods, record.layout, deployed).map((fault) => `off plan: ${fault}`) : []),
    ...(seen && record.pullSecret !== undefined ? withoutPullSecret(seen.pods, record.pullSecret) : []),
    ...(seen ? unlistedImages(seen.pods, record.images) : []),
    ...record.missing,
    ...record.operations.flatMap(operationProblems),
    ...record.leftovers.map((what) => `left behind by destroy: ${what}`),
    ...record.trespasses.map((what) => `not the stack's, and touched: ${what}`),
    ...(record.whatIfs ?? []).flatMap((one) => one.survival.stops.map((why) => `if ${whatIfTitle(one)}: ${why}`)),
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

/** Images that would not be there where somebody has copied what is listed and there is no internet. */
function unlistedImages(pods: readonly PodView[], listed: readonly string[]): string[] {
  return pods.flatMap(({ name, images }) =>
    [...new Set(images)]
      .filter((image) => !listed.includes(image))
      .map((image) => `${name} asks for ${image}, which is not among the stack's images (npm run images)`),
  );
}

function operationProblems({ name, outcome, details }: Operation): string[] {
  const what = details.length === 0 ? "" : `: ${details.join("\n")}`;
  switch (outcome) {
    case "done":
    case "refused":
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
  const judged = verdict(record);
  const sections: [string, string[]][] = [
    ["Real in this rehearsal", bullets(record.parts.real.length === 0 ? [] : [record.parts.real.join(", ")])],
    ["Not the real thing", bullets(record.parts.standIns)],
    ...(record.seen ? cluster(record.seen) : []),
    untitled(operationTable(record.operations)),
    ...whatIfSections(record.whatIfs ?? []),
    ["Problems", bullets(judged.problems)],
  ];
  return [
    `Rehearsal of the stack ${record.stack}`,
    ...sections.filter(([, lines]) => lines.length > 0).map(([title, lines]) => [title, ...indented(lines)].join("\n")),
    `${conclusion(record, judged)}${judged.ok ? goesOn(record.whatIfs) : ""}`,
  ].join("\n\n");
}

function cluster(seen: Observation): [string, string[]][] {
  const { title, head, rows } = volumeTable(seen);
  return [
    untitled(podTable(seen)),
    ["Pods without a node", bullets(seen.pods.filter(({ node }) => node === undefined).map(({ name }) => name))],
    untitled(jobTable(seen)),
    [title, rows.length === 0 ? [] : table([head, ...rows])],
    untitled(serviceTable(seen)),
  ];
}

/** A table whose columns speak for themselves. */
function untitled({ title, rows }: Table): [string, string[]] {
  return [title, table(rows)];
}

/** One in full, several as a table. */
function whatIfSections(whatIfs: readonly WhatIf[]): [string, string[]][] {
  const [one, ...others] = whatIfs;
  if (!one) return [];
  if (others.length > 0) return [["If one node is lost", comparison(whatIfs)]];
  const { moves, survival } = one;
  return [
    [
      `If ${whatIfTitle(one)}`,
      moves.length === 0
        ? ["no pod of the stack was there"]
        : table([["pod", "was on", "then"], ...moves.map((move) => [move.pod, move.from, move.to ?? move.why ?? ""])]),
    ],
    [
      "What is left then",
      table(
        remains(survival).map(([name, { running, replicas, needed }]) => [
          name,
          `${running} of ${replicas} run`,
          `${needed} needed${name === "bookies" ? ` (ensemble ${survival.quorum.ensemble}, write quorum ${survival.quorum.write}, ack quorum ${survival.quorum.ack})` : ""}`,
        ]),
      ),
    ],
    ["Weaker than before", bullets(survival.weaker)],
    ["What to do", bullets(one.advice)],
  ];
}

function comparison(whatIfs: readonly WhatIf[]): string[] {
  const columns = ["lost", "move", "wait", "ZooKeeper", "bookies", "brokers", "proxies", "goes on"];
  return table([
    columns,
    ...whatIfs.map(({ nodes, moves, survival }) => [
      nodes.join(", "),
      moves.flatMap(({ pod, to }) => (to === undefined ? [] : [pod])).join(", ") || "-",
      moves.flatMap(({ pod, to }) => (to === undefined ? [pod] : [])).join(", ") || "-",
      ...remains(survival).map(([, { running, replicas }]) => `${running}/${replicas}`),
      survival.stops.length === 0 ? "yes" : "NO",
    ]),
  ]);
}

function goesOn(whatIfs: readonly WhatIf[] = []): string {
  const [one, ...others] = whatIfs;
  if (!one) return "";
  if (others.length > 0) return " It goes on without any one of its nodes.";
  const held = one.nodes.filter((node) => one.moves.some(({ from, refused }) => from === node && refused === true));
  const but = held.length === 0 ? "" : `, but disruption budgets hold pods on ${enumerate(held)}`;
  return ` It goes on if ${whatIfTitle(one)}${but}.`;
}

function bullets(items: readonly string[]): string[] {
  return items.flatMap((item) => `- ${item.replaceAll("\n", "\n  ")}`.split("\n"));
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
