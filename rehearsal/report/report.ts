import { enumerate, explain } from "./explain.ts";
import type { Observation, PodView } from "../cluster/observe.ts";
import { placementProblems } from "./placement.ts";
import type { Operation, RehearsalRecord, Verdict } from "./record.ts";
import {
  alignColumns,
  conclusion,
  jobTable,
  operationTable,
  podTable,
  realityTables,
  remainingReplicas,
  serviceTable,
  type Table,
  volumeTable,
  whatIfTitle,
} from "./rows.ts";
import { unreadyObjects } from "../cluster/readiness.ts";
import type { WhatIf } from "../failures/whatIf.ts";

/** Whether the rehearsal passes, and the problems if not. */
export function verdict(record: RehearsalRecord): Verdict {
  const { seen } = record;
  const deployed = record.operations.some(({ name, outcome }) => name === "up" && outcome === "done");
  const problems = [
    ...(seen ? podProblems(seen) : []),
    ...(seen ? otherProblems(seen) : []),
    ...(seen ? placementProblems(seen.pods, record.layout, deployed).map((fault) => `not as planned: ${fault}`) : []),
    ...(seen && record.pullSecret !== undefined ? withoutPullSecret(seen.pods, record.pullSecret) : []),
    ...(seen ? unlistedImages(seen.pods, record.images) : []),
    ...record.missing,
    ...record.operations.flatMap(operationProblems),
    ...messageProblems(record.messages),
    ...record.leftovers.map((what) => `left behind by destroy: ${what}`),
    ...record.foreignChanges.map((what) => `not owned by the stack, but changed: ${what}`),
    ...(record.whatIfs ?? []).flatMap((one) => one.survival.stops.map((why) => `if ${whatIfTitle(one)}: ${why}`)),
  ];
  return { ok: problems.length === 0, problems };
}

/** Pods that do not run, each with the scheduler's reason, explained and verbatim. */
function podProblems(seen: Observation): string[] {
  return seen.pods.flatMap((pod) => {
    if (pod.unscheduled !== undefined) {
      return [`${pod.name} cannot be placed: ${explain(pod, seen).join("; ")} (scheduler: "${pod.unscheduled}")`];
    }
    if (pod.state === "starting") return [`${pod.name} does not become ready on ${pod.node ?? "its node"}`];
    if (pod.state === "pending") return [`the scheduler has not considered ${pod.name}`];
    return pod.state === "failed" && pod.job === undefined ? [`${pod.name} failed`] : [];
  });
}

/** What is not ready besides the pods, unless a pod already explains it. */
function otherProblems(seen: Observation): string[] {
  const waiting = seen.pods.filter(({ state }) => state !== "ready" && state !== "done");
  const explained = new Set(waiting.flatMap(({ title, claims }) => [title, ...claims]));
  return unreadyObjects(seen).flatMap(({ kind, name }) => {
    if (explained.has(name)) return [];
    switch (kind) {
      case "Job":
        return [`Job ${name} does not complete`];
      case "PersistentVolumeClaim":
        return [`claim ${name} is not bound to a volume`];
      case "Service":
        return [`Service ${name} waits for a load balancer address, and Helm waits for it`];
      case "StatefulSet":
      case "Deployment":
        return missingPods(name, seen);
      case "Pod":
        return [];
    }
  });
}

/** A workload without its pods: they were refused, or an ordered StatefulSet waits for an earlier pod. */
function missingPods(name: string, seen: Observation): string[] {
  const workload = seen.workloads.find((one) => one.name === name);
  if (!workload || workload.created === workload.wanted) return [];
  const silence = workload.kind === "StatefulSet" ? "each waits for the one before it" : "no reason is given";
  const because = workload.refusal ?? silence;
  return [`${workload.kind} ${name} has ${workload.created} of ${workload.wanted} pods: ${because}`];
}

/** Simulated kubelets pull no images, so this compares the pods' specifications. */
function withoutPullSecret(pods: readonly PodView[], secret: string): string[] {
  return pods
    .filter(({ pullSecrets }) => !pullSecrets.includes(secret))
    .map(({ name }) => `${name} cannot pull its image: it does not name the pull secret ${secret}`);
}

/** Images that an installation without internet access would miss. */
function unlistedImages(pods: readonly PodView[], listed: readonly string[]): string[] {
  return pods.flatMap(({ name, images }) =>
    [...new Set(images)]
      .filter((image) => !listed.includes(image))
      .map((image) => `${name} uses ${image}, which is not among the stack's images (npm run images)`),
  );
}

function messageProblems({ checks, traffic }: RehearsalRecord["messages"] = { checks: [], traffic: [] }): string[] {
  return [
    ...checks.flatMap(({ name, ok, detail }) => (ok ? [] : [`messages: ${name}: ${detail}`])),
    ...traffic.flatMap(({ step, sent, lost }) =>
      lost === 0 ? [] : [`messages: ${lost} of ${sent} lost during ${step}`],
    ),
  ];
}

function operationProblems({ name, outcome, details }: Operation): string[] {
  const what = details.length === 0 ? "" : `: ${details.join("\n")}`;
  switch (outcome) {
    case "done":
    case "refused":
      return [];
    case "changed":
      return [`${name} found changes${what}`];
    case "failed":
      return [`${name} failed${what}`];
    case "stopped":
      return [`${name} would never have finished and was stopped${what}`];
  }
}

/** The whole report as text. It depends only on the record. */
export function render(record: RehearsalRecord): string {
  const judged = verdict(record);
  const sections: [string, string[]][] = [
    ["Real in this rehearsal", bullets(record.parts.real.length === 0 ? [] : [record.parts.real.join(", ")])],
    ["Simulated or replaced by stand-ins", bullets(record.parts.standIns)],
    ...(record.seen ? cluster(record.seen) : []),
    withoutHead(operationTable(record.operations)),
    ...realityTables(record).map(withHead),
    ...whatIfSections(record.whatIfs ?? []),
    ["Problems", bullets(judged.problems)],
  ];
  return [
    `Rehearsal of the stack ${record.stack}${record.cluster === undefined ? "" : ` on the cluster ${record.cluster}`}`,
    ...sections.filter(([, lines]) => lines.length > 0).map(([title, lines]) => [title, ...indented(lines)].join("\n")),
    `${conclusion(record, judged)}${judged.ok ? survivalSentence(record.whatIfs) : ""}`,
  ].join("\n\n");
}

function cluster(seen: Observation): [string, string[]][] {
  return [
    withoutHead(podTable(seen)),
    ["Pods without a node", bullets(seen.pods.filter(({ node }) => node === undefined).map(({ name }) => name))],
    withoutHead(jobTable(seen)),
    withHead(volumeTable(seen)),
    withoutHead(serviceTable(seen)),
  ];
}

function withHead({ title, head, rows }: Table): [string, string[]] {
  return [title, rows.length === 0 ? [] : alignColumns([head, ...rows])];
}

/** A table without its heading row. */
function withoutHead({ title, rows }: Table): [string, string[]] {
  return [title, alignColumns(rows)];
}

/** A single case in full, several as a table. */
function whatIfSections(whatIfs: readonly WhatIf[]): [string, string[]][] {
  const [one, ...others] = whatIfs;
  if (!one) return [];
  if (others.length > 0) return [["If one node is lost", comparison(whatIfs)]];
  const { moves, survival } = one;
  return [
    [
      `If ${whatIfTitle(one)}`,
      moves.length === 0
        ? ["no pod of the stack ran there"]
        : alignColumns([
            ["pod", "was on", "result"],
            ...moves.map((move) => [move.pod, move.from, move.to ?? move.why ?? ""]),
          ]),
    ],
    [
      "Remaining replicas",
      alignColumns(
        remainingReplicas(survival).map(([name, { running, replicas, needed }]) => [
          name,
          `${running} of ${replicas} run`,
          `${needed} needed${name === "bookies" ? ` (ensemble ${survival.quorum.ensemble}, write quorum ${survival.quorum.write}, ack quorum ${survival.quorum.ack})` : ""}`,
        ]),
      ),
    ],
    ["Degraded", bullets(survival.degraded)],
    ["What to do", bullets(one.advice)],
  ];
}

function comparison(whatIfs: readonly WhatIf[]): string[] {
  const columns = ["lost", "move", "wait", "ZooKeeper", "bookies", "brokers", "proxies", "continues"];
  return alignColumns([
    columns,
    ...whatIfs.map(({ nodes, moves, survival }) => [
      nodes.join(", "),
      moves.flatMap(({ pod, to }) => (to === undefined ? [] : [pod])).join(", ") || "-",
      moves.flatMap(({ pod, to }) => (to === undefined ? [pod] : [])).join(", ") || "-",
      ...remainingReplicas(survival).map(([, { running, replicas }]) => `${running}/${replicas}`),
      survival.stops.length === 0 ? "yes" : "NO",
    ]),
  ]);
}

function survivalSentence(whatIfs: readonly WhatIf[] = []): string {
  const [one, ...others] = whatIfs;
  if (!one) return "";
  if (others.length > 0) return " It survives the loss of any single node.";
  const held = one.nodes.filter((node) => one.moves.some(({ from, refused }) => from === node && refused === true));
  const but = held.length === 0 ? "" : `, but disruption budgets keep pods on ${enumerate(held)}`;
  return ` It continues if ${whatIfTitle(one)}${but}.`;
}

function bullets(items: readonly string[]): string[] {
  return items.flatMap((item) => `- ${item.replaceAll("\n", "\n  ")}`.split("\n"));
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
