/** Tables and sentences that all formats of the report share. */
import { enumerate, explain } from "./explain.ts";
import { byName, compareNames, type Observation, type PodView } from "../cluster/observe.ts";
import { componentOf } from "./placement.ts";
import type { Operation, RehearsalRecord, Verdict } from "./record.ts";
import type { Remaining, Survival, WhatIf } from "../failures/whatIf.ts";

export interface Table {
  title: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

/** The report in one sentence. */
export function conclusion(record: RehearsalRecord, { ok, problems }: Verdict): string {
  const running = record.seen?.pods.filter(({ state }) => state === "ready").length ?? 0;
  const starts = record.cluster === undefined ? "would start" : `starts on the cluster ${record.cluster}`;
  return ok
    ? `The stack ${record.stack} ${starts}: ${running} pods run, all where planned.`
    : `The stack ${record.stack} does not pass: ${count(problems.length, "problem")}.`;
}

/** Every node of the cluster with its pods. */
export function podTable({ nodes, pods }: Observation): Table {
  const onNode = (name: string): string[] =>
    pods
      .filter((pod) => pod.node === name && componentOf(pod.component) !== undefined && pod.job === undefined)
      .map(({ title }) => title)
      .sort(compareNames);
  return {
    title: "Pods by node",
    head: ["node", "pods"],
    rows: nodes.map(({ name }) => [name, onNode(name).join(", ") || "-"]),
  };
}

/** Claims with their volumes, and volumes reserved for a claim that does not exist. */
export function volumeTable({ claims, volumes }: Observation): Table {
  const own = new Set(claims.map(({ volume }) => volume));
  const unclaimed = volumes.filter(({ name, claim }) => claim !== undefined && !own.has(name)).sort(byName);
  return {
    title: "Claims and volumes",
    head: ["claim", "phase", "size", "node"],
    rows: [
      ...claims.map((claim) => {
        const volume = volumes.find(({ name }) => name === claim.volume);
        return [claim.name, claim.phase, volume?.size ?? "", volume?.hostnames.join(", ") ?? ""];
      }),
      ...unclaimed.map(({ name, phase, size, hostnames }) => [`${name} (no claim)`, phase, size, hostnames.join(", ")]),
    ],
  };
}

export function jobTable({ jobs }: Observation): Table {
  return {
    title: "Jobs",
    head: ["Job", "state"],
    rows: jobs.filter((job) => componentOf(job.component) === "init").map(({ name, state }) => [name, state]),
  };
}

export function serviceTable({ services }: Observation): Table {
  return {
    title: "Services",
    head: ["Service", "type", "ports"],
    rows: services.map(({ name, type, ports }) => [name, type, ports.join(" ")]),
  };
}

export function operationTable(operations: readonly Operation[]): Table {
  return {
    title: "Operations",
    head: ["operation", "time", "outcome"],
    rows: operations.map(({ name, seconds, outcome }) => [
      name,
      `${seconds.toFixed(1)} s`.padStart(7),
      outcomeText(name, outcome),
    ]),
  };
}

/** What only an existing cluster shows: real messages, and whether the simulation was right. */
export function realityTables({ messages, comparison = [] }: RehearsalRecord): Table[] {
  const differing = comparison.filter(({ predicted, real }) => predicted !== real);
  return [
    {
      title: "Message checks",
      head: ["check", "result", "detail"],
      rows: (messages?.checks ?? []).map(({ name, ok, detail }) => [name, ok ? "ok" : "FAILED", detail]),
    },
    {
      title: "Messages by step",
      head: ["step", "sent", "failed", "received", "lost", "longest pause"],
      rows: (messages?.traffic ?? []).map(({ step, sent, acknowledged, received, lost, longestPauseSeconds }) => [
        step,
        ...[sent, sent - acknowledged, received, lost].map(String),
        `${longestPauseSeconds.toFixed(1)} s`,
      ]),
    },
    {
      title: `Simulation and reality: ${comparison.length - differing.length} of ${comparison.length} the same`,
      head: ["pod", "simulated", "real"],
      rows: comparison.map(({ pod, predicted, real }) => [pod, predicted, predicted === real ? "the same" : real]),
    },
  ];
}

function outcomeText(name: Operation["name"], outcome: Operation["outcome"]): string {
  if (outcome === "changed") return "NOT CLEAN";
  if (outcome === "refused") return "refused, as required in production";
  if (outcome !== "done") return outcome.toUpperCase();
  if (name === "second up") return "no changes";
  return name === "refresh" ? "no changes" : "done";
}

/** Why a pod has no node. */
export function waitingReason(pod: PodView, seen: Observation): string {
  return pod.unscheduled === undefined ? "the scheduler has not considered it" : explain(pod, seen).join("; ");
}

/** The case: "node a is lost", "nodes a and b are drained", "zone z is lost (nodes a and b)". */
export function whatIfTitle({ kind, nodes, zone }: WhatIf): string {
  const [noun, verb] = nodes.length === 1 ? ["node", "is"] : ["nodes", "are"];
  const names = `${noun} ${enumerate(nodes)}`;
  return zone === undefined ? `${names} ${verb} ${kind}` : `zone ${zone} is ${kind} (${names})`;
}

/** All cases in one sentence. */
export function whatIfConclusion(whatIfs: readonly WhatIf[]): string | undefined {
  const [first] = whatIfs;
  if (!first) return undefined;
  if (whatIfs.length === 1) return `If ${whatIfTitle(first)}, Pulsar ${survivalText(first.survival)}.`;
  const stopping = whatIfs.filter(({ survival }) => survival.stops.length > 0).length;
  return stopping === 0
    ? `Pulsar continues in all ${whatIfs.length} cases of lost or drained nodes.`
    : `Pulsar stops in ${stopping} of ${whatIfs.length} cases of lost or drained nodes.`;
}

/** The size of the cluster: "10 nodes in 3 zones, 16 of 17 pods run, 11 of 11 claims bound". */
export function clusterSize({ pods, claims }: Observation, nodes: readonly { zone?: string | undefined }[]): string {
  const zones = new Set(nodes.flatMap(({ zone }) => zone ?? [])).size;
  const active = pods.filter(({ state }) => state !== "done");
  return [
    count(nodes.length, "node") + (zones === 0 ? "" : ` in ${count(zones, "zone")}`),
    `${active.filter(({ state }) => state === "ready").length} of ${active.length} pods run`,
    `${claims.filter(({ phase }) => phase === "Bound").length} of ${claims.length} claims bound`,
  ].join(", ");
}

/** Whether the service continues, in a few words. */
export function survivalText({ stops, degraded }: Survival): "continues" | "continues, degraded" | "stops" {
  if (stops.length > 0) return "stops";
  return degraded.length > 0 ? "continues, degraded" : "continues";
}

/** The remaining replicas of each component that the service needs. */
export function remainingReplicas({ zookeeper, bookies, brokers, proxies }: Survival): [string, Remaining][] {
  return [
    ["ZooKeeper", zookeeper],
    ["bookies", bookies],
    ["brokers", brokers],
    ["proxies", proxies],
  ];
}

/** "1 pod", "2 pods", "2 proxies". */
export function count(amount: number, noun: string): string {
  return `${amount} ${amount === 1 ? noun : `${noun}s`.replace(/ys$/, "ies")}`;
}

/** The effect on Pulsar, one case per row. */
export function whatIfTable(whatIfs: readonly WhatIf[]): Table {
  const [first] = whatIfs;
  // The required numbers depend only on the stack.
  const components = first
    ? remainingReplicas(first.survival).map(([name, { needed }]) => `${name} (needs ${needed})`)
    : [];
  return {
    title: "What if",
    head: ["case", "Pulsar", ...components, "pods moved", "pods waiting"],
    rows: whatIfs.map((whatIf) => [
      whatIfTitle(whatIf),
      survivalText(whatIf.survival),
      ...remainingReplicas(whatIf.survival).map(([, { running, replicas }]) => `${running} of ${replicas}`),
      `${countMoves(whatIf).moved}`,
      `${countMoves(whatIf).waiting}`,
    ]),
  };
}

/** How many pods moved, wait for a node, or were not evicted. */
export function countMoves({ moves }: WhatIf): { moved: number; waiting: number; refused: number } {
  const moved = moves.filter(({ to }) => to !== undefined).length;
  const refused = moves.filter((move) => move.refused === true).length;
  return { moved, waiting: moves.length - moved - refused, refused };
}

/** At most `limit` texts, and how many more there are. */
export function listed(texts: readonly string[], limit: number): string {
  const more = texts.length - limit;
  return texts.slice(0, limit).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Splits a line of advice into its text and the command at its end, if any. */
export function advicePartsOf(line: string): { text: string; command?: string } {
  const [, text = line, command] = /^(.*: )((?:kubectl|pulumi|helm) [^,]*)$/s.exec(line) ?? [];
  return command === undefined ? { text } : { text, command };
}

/** Rows as lines of text with aligned columns. */
export function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
