/** The rehearsal of a stack, step by step. */
import { setTimeout } from "node:timers/promises";
import { imageRef, stackImages } from "../model/charts/images.ts";
import { advise } from "./failures/advice.ts";
import { failureCases, type FailureCase, type FailureOptions } from "./failures/cases.ts";
import { checkDatabases, listDatabases } from "./cluster/databases.ts";
import type { Outcome } from "./engine/stack.ts";
import { compare, type Difference } from "./cluster/inventory.ts";
import { drainNodes, restoreNodes, failNodes, readQuorum } from "./failures/nodeFailures.ts";
import { movesOf } from "./failures/moves.ts";
import type { Observation } from "./cluster/observe.ts";
import type { Log } from "./cli/progress.ts";
import { findMissing } from "./cluster/references.ts";
import type { ChangeName, Operation, RehearsalRecord, Verdict } from "./report/record.ts";
import { render, verdict } from "./report/report.ts";
import { StallDetector, unreadyObjects, type Readiness } from "./cluster/readiness.ts";
import { withRehearsal, type RehearsalOptions, type Stage } from "./stage.ts";
import { assessSurvival } from "./failures/survival.ts";
import { waitFor } from "./cluster/waiting.ts";
import type { WhatIf } from "./failures/whatIf.ts";

export interface RehearsalResult {
  record: RehearsalRecord;
  verdict: Verdict;
  /** The whole report as text. */
  report: string;
}

/** Milliseconds between two observations of the cluster. Longer during `up`, when the engine needs the CPU. */
const interval = { duringUp: 1000, afterUp: 250 };

/** Sets up a stage, rehearses the stack on it, and removes it. */
export async function rehearse(options: RehearsalOptions = {}): Promise<RehearsalResult> {
  return withRehearsal(options, (stage) => rehearseOn(stage));
}

/**
 * Up, wait for the pods, second up, refresh, destroy. If `up` does not succeed, the other steps are skipped.
 *
 * @param keep leaves the stack deployed
 * @param whatIf failures to simulate instead of second up, refresh and destroy
 * @throws RehearsalError for failures of nodes that the stack does not have
 */
export async function rehearseOn(
  stage: Stage,
  { keep = false, whatIf }: { keep?: boolean; whatIf?: FailureOptions } = {},
): Promise<RehearsalResult> {
  const cases = whatIf && failureCases(whatIf, stage.layout.nodes);
  const record = emptyRecord(stage);
  await deploy(stage, record);
  if (record.operations.every(({ outcome }) => outcome === "done")) {
    if (cases) {
      record.whatIfs = await simulateFailures(stage, cases);
    } else {
      await repeat(stage, record);
      if (!keep) await remove(stage, record);
    }
  }
  return resultOf(record, stage);
}

export function emptyRecord(stage: Stage): RehearsalRecord {
  return {
    stack: stage.stack.name,
    layout: stage.layout,
    pullSecret: stage.settings.images.pullSecret,
    images: stackImages(stage.settings.images).map(({ image }) => imageRef(image)),
    parts: stage.parts,
    operations: [],
    missing: [],
    leftovers: [],
    foreignChanges: [],
  };
}

export function resultOf(record: RehearsalRecord, stage: Stage): RehearsalResult {
  const result = redacted(record, stage);
  return { record: result, verdict: verdict(result), report: render(result) };
}

/** Called before the record is rendered, because a format may escape characters of a secret. */
function redacted(record: RehearsalRecord, stage: Stage): RehearsalRecord {
  const text = JSON.stringify(record);
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === "string" ? stage.redact(value) : value,
  ) as RehearsalRecord;
}

/** Runs the first `up` and waits for its pods. */
export async function deploy(stage: Stage, record: RehearsalRecord): Promise<void> {
  const [{ operation, stalled }] = await stage.progress({ title: "up", work: (log) => firstUp(stage, log) });
  record.operations.push(operation);
  [record.seen] = await stage.progress({
    title: "wait for the pods",
    work: async () => stalled ?? waitUntilStable(stage),
  });
  record.missing = await findMissing(stage.api, stage.settings.namespace);
}

/** Simulates each case, starting with all pods ready. After the last case, its nodes are not restored. */
export async function simulateFailures(stage: Stage, cases: readonly FailureCase[]): Promise<WhatIf[]> {
  const whatIfs: WhatIf[] = [];
  for (const [i, failure] of cases.entries()) {
    const previous = cases[i - 1];
    if (previous) {
      await stage.progress({
        title: `restore ${previous.nodes.join(", ")}`,
        work: async () => {
          await restoreNodes(stage, previous.nodes);
          await waitUntilReady(stage);
        },
      });
    }
    const [whatIf] = await stage.progress({
      title: `${failure.kind === "lost" ? "lose" : "drain"} ${failure.nodes.join(", ")}`,
      work: () => simulateFailure(stage, failure),
    });
    whatIfs.push(whatIf);
  }
  return whatIfs;
}

/** Waits until everything in the cluster is ready. @throws RehearsalError at the limit, with what is not ready */
export async function waitUntilReady(stage: Stage): Promise<void> {
  await waitFor(
    async () => {
      const unready = unreadyObjects(await stage.observe()).map(({ kind, name }) => `${kind} ${name}`);
      if (unready.length > 0) throw new Error(`not ready: ${unready.join(", ")}`);
      return true;
    },
    {
      what: "all pods to become ready",
      limit: stage.limits.ready,
      every: interval.afterUp,
      signal: stage.workspace.signal,
    },
  );
}

async function simulateFailure(stage: Stage, failure: FailureCase): Promise<WhatIf> {
  const { kind, nodes } = failure;
  const { settings, layout } = stage;
  const [before, quorum] = await Promise.all([stage.observe(), readQuorum(stage)]);
  const refused =
    kind === "drained" ? await drainNodes(stage, nodes) : (await failNodes(stage, nodes), new Map<string, string>());
  const after = await waitUntilStable(stage);
  const moves = movesOf(before, after, nodes, refused);
  const survival = assessSurvival({ after, failed: kind === "lost" ? nodes : [], layout, quorum });
  return { ...failure, moves, survival, advice: advise({ kind, nodes, moves, survival, after }, settings), after };
}

/** Runs a second `up` and a `refresh`. */
async function repeat(stage: Stage, record: RehearsalRecord): Promise<void> {
  for (const name of ["second up", "refresh"] as const) record.operations.push(await runOperation(stage, name));
}

/** Runs an `up` or a `refresh`. A second `up` and a `refresh` must find no changes. */
export async function runOperation(stage: Stage, name: "second up" | "refresh" | ChangeName): Promise<Operation> {
  const [operation] = await stage.progress({
    title: name,
    work: async (onLine) => {
      const options = { expectNoChanges: !mayChange(name), onLine };
      const outcome = await (name === "refresh" ? stage.stack.refresh(options) : stage.stack.up(options));
      return operationOf(name, outcome, stage);
    },
  });
  return operation;
}

/** Runs `destroy` and checks what it left behind or removed by mistake. In production, the first `destroy` must be refused. */
export async function remove(stage: Stage, record: RehearsalRecord): Promise<void> {
  const deployed = await listDatabases(stage.postgres);
  const { production } = stage.settings;
  if (production) record.operations.push(await refusedDestroy(stage));
  const name = production ? "destroy, unprotected" : "destroy";
  const [operation] = await stage.progress({
    title: name,
    work: async (onLine) => {
      if (production) await stage.stack.unprotect();
      return operationOf(name, await stage.stack.destroy({ onLine }), stage);
    },
  });
  record.operations.push(operation);
  const { added, removed } = await changesAfterDestroy(stage);
  const databases = checkDatabases(
    { before: stage.databasesBefore, deployed, after: await listDatabases(stage.postgres) },
    stage.settings.managerDatabase.deleteData,
  );
  record.leftovers.push(...added, ...databases.leftovers);
  record.foreignChanges.push(...removed, ...databases.foreignChanges);
}

/**
 * How the cluster differs from its state before the first `up`, as soon as nothing is left over, or at the limit.
 *
 * @param limit in milliseconds
 */
export async function changesAfterDestroy(stage: Stage, limit = stage.limits.removal): Promise<Difference> {
  const difference = async () => compare(stage.before, await stage.inventory());
  return waitFor(
    async () => {
      const found = await difference();
      return found.added.length === 0 ? found : undefined;
    },
    { what: "the removal of all objects", limit, every: interval.afterUp, signal: stage.workspace.signal },
  ).catch(difference);
}

/** Runs the `destroy` of a production stack, which must fail without a change to the cluster. */
async function refusedDestroy(stage: Stage): Promise<Operation> {
  const before = await stage.inventory();
  const [outcome] = await stage.progress({
    title: "destroy (must be refused)",
    work: (onLine) => stage.stack.destroy({ onLine }),
  });
  const { added, removed } = compare(before, await stage.inventory());
  const touched = [...added, ...removed].map((what) => `touched: ${what}`);
  const details = outcome.ok ? ["the production stack was destroyed instead of being refused"] : touched;
  return { name: "destroy", seconds: outcome.seconds, outcome: details.length === 0 ? "refused" : "failed", details };
}

/**
 * Runs the first `up`. Helm waits half an hour for a pod that cannot be scheduled, so `up` is stopped as soon as the cluster is stalled.
 *
 * @returns the cluster when it was stalled, if it was
 */
export async function firstUp(stage: Stage, log: Log): Promise<{ operation: Operation; stalled?: Observation }> {
  const detector = new StallDetector(stage.limits.quiet.duringUp);
  const ended = new AbortController();
  const up = stage.stack
    .up({
      onLine(line) {
        detector.reset(performance.now());
        log(line);
      },
    })
    .finally(() => {
      ended.abort();
    });
  // It may fail while the cluster is observed. The error is thrown by the await below.
  up.catch(() => undefined);
  const stalled = await watch(stage, detector, ["stalled"], interval.duringUp, ended.signal);
  if (stalled !== undefined) stage.stack.kill();
  const operation = operationOf("up", await up, stage);
  const details = [...operation.details, ...stage.troubles()];
  if (stalled === undefined) return { operation: operation.outcome === "done" ? operation : { ...operation, details } };
  // A killed command leaves a lock on the stack, which would block the next command.
  await stage.stack.cancel();
  return { operation: { ...operation, outcome: "stopped", details: stage.troubles() }, stalled };
}

/** Waits until the cluster is ready or stalled. @returns its state then, or the present state at the limit */
export async function waitUntilStable(stage: Stage): Promise<Observation> {
  const { limits, workspace } = stage;
  const { signal } = workspace;
  const ended = AbortSignal.any([signal, AbortSignal.timeout(limits.stable)]);
  const detector = new StallDetector(limits.quiet.afterUp);
  const seen = await watch(stage, detector, ["ready", "stalled"], interval.afterUp, ended);
  signal.throwIfAborted();
  return seen ?? stage.observe();
}

/**
 * Observes the cluster until it is in one of the states. A failed request to the API server is retried.
 *
 * @returns the observation; undefined if the signal is aborted first
 */
async function watch(
  stage: Stage,
  detector: StallDetector,
  states: readonly Readiness[],
  every: number,
  signal: AbortSignal,
): Promise<Observation | undefined> {
  while (!signal.aborted) {
    const started = performance.now();
    const seen = await stage.observe().catch(() => undefined);
    const now = performance.now();
    if (seen && states.includes(detector.check(seen, now))) return seen;
    // An observation of a large cluster is expensive, so it takes at most a fifth of the time.
    const pause = Math.max(every, 4 * (now - started));
    await setTimeout(pause, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

function operationOf(name: Operation["name"], outcome: Outcome, stage: Stage): Operation {
  const faults = outcome.diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    // The engine's summary adds nothing to the other messages.
    .filter(
      (message, _, all) => all.length === 1 || !/^(update|refresh|destroy) failed$|^no changes were/.test(message),
    );
  const changes = Object.entries(outcome.changes).filter(([op]) => op !== "same");
  const changed = !mayChange(name) && changes.length > 0;
  const details = changed ? [...changedResources(outcome.text), ...faults] : faults;
  return {
    name,
    seconds: outcome.seconds,
    outcome: changed ? "changed" : outcome.ok ? "done" : "failed",
    details: outcome.ok && !changed ? [] : [...new Set(details.map((detail) => stage.redact(detail)))],
  };
}

function mayChange(name: Operation["name"]): boolean {
  return name !== "second up" && name !== "refresh";
}

/** The changed resources in the output of the CLI, such as " ~  kubernetes:core/v1:Secret auth-token updated (0.6s)", without the times. */
function changedResources(text: string): string[] {
  return text
    .split("\n")
    .flatMap(
      (line) => /^\s*[+~-]{1,2}\s+(\S+:\S+ \S+ (?:created|updated|deleted|replaced)\b.*?)\s*$/.exec(line)?.[1] ?? [],
    )
    .map((line) => line.replace(/ \([\d.]+m?s\)/, ""));
}
