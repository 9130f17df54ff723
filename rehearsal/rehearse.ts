/** The rehearsal of a stack, step by step. */
import { setTimeout } from "node:timers/promises";
import type { Outcome } from "./engine.ts";
import { compare, takeInventory } from "./inventory.ts";
import type { Observation } from "./observe.ts";
import type { Tell } from "./progress.ts";
import { findMissing } from "./references.ts";
import { render, verdict, type Operation, type RehearsalRecord, type Verdict } from "./report.ts";
import { Settling } from "./settling.ts";
import { withRehearsal, type RehearsalOptions, type Stage } from "./stage.ts";
import { waitFor } from "./waiting.ts";

export interface RehearsalResult {
  record: RehearsalRecord;
  verdict: Verdict;
  /** The whole report as text. */
  report: string;
}

/** Milliseconds between two looks at the cluster. */
const pace = 500;

/**
 * Milliseconds without a movement in the cluster and without a word from the engine after which an `up` is taken to wait for something
 * that will not come. The scheduler needs a second for a pod, the engine a few for a step of its own.
 */
const quietDuringUp = 10_000;

/** The same once the engine has finished and only the cluster itself is at work. */
const quietAfterUp = 5_000;

/** How long after `destroy` the cluster may still be busy removing things, in milliseconds. */
const removalLimit = 15_000;

/** Sets everything up, rehearses the stack, and takes everything down again. */
export async function rehearse(options: RehearsalOptions = {}): Promise<RehearsalResult> {
  return withRehearsal(options, (stage) => rehearseOn(stage));
}

/**
 * Up, wait until the pods settle, second up, refresh, destroy. What makes no sense after a failed step is left out.
 *
 * @param keep leaves the stack deployed
 */
export async function rehearseOn(stage: Stage, { keep = false } = {}): Promise<RehearsalResult> {
  const record: RehearsalRecord = {
    stack: stage.stack.name,
    layout: stage.layout,
    pullSecret: stage.settings.images.pullSecret,
    parts: stage.parts,
    operations: [],
    missing: [],
    leftovers: [],
    trespasses: [],
  };
  await deploy(stage, record);
  if (verdict(record).ok) await repeat(stage, record);
  if (verdict(record).ok && !keep) await remove(stage, record);
  return { record, verdict: verdict(record), report: stage.redact(render(record)) };
}

/** The first `up`, and the wait until its pods have settled. */
async function deploy(stage: Stage, record: RehearsalRecord): Promise<void> {
  const [{ operation, stuck }] = await stage.progress({ title: "up", work: (tell) => firstUp(stage, tell) });
  record.operations.push(operation);
  [record.seen] = await stage.progress({
    title: "wait until the pods settle",
    work: async () => stuck ?? settled(stage),
  });
  record.missing = await findMissing(stage.api, stage.settings.namespace);
}

/** A second `up` and a `refresh`, which must find nothing to do. */
async function repeat(stage: Stage, record: RehearsalRecord): Promise<void> {
  for (const name of ["second up", "refresh"] as const) {
    const [operation] = await stage.progress({
      title: name,
      work: async (onLine) => {
        const options = { expectNoChanges: true, onLine };
        const outcome = await (name === "refresh" ? stage.stack.refresh(options) : stage.stack.up(options));
        return operationOf(name, outcome, stage);
      },
    });
    record.operations.push(operation);
  }
}

/** `destroy`, and the search for what it left or took too much. */
async function remove(stage: Stage, record: RehearsalRecord): Promise<void> {
  const [operation] = await stage.progress({
    title: "destroy",
    work: async (onLine) => operationOf("destroy", await stage.stack.destroy({ onLine }), stage),
  });
  record.operations.push(operation);
  const difference = async () => compare(stage.before, await takeInventory(stage.api));
  const { added, removed } = await waitFor(
    async () => {
      const found = await difference();
      return found.added.length === 0 ? found : undefined;
    },
    { what: "the removal of everything", limit: removalLimit, every: pace, signal: stage.workspace.signal },
  ).catch(difference);
  record.leftovers.push(...added);
  record.trespasses.push(...removed);
}

/**
 * Runs the first `up`. Helm waits half an hour for a pod that can never be placed; so the cluster is watched meanwhile, and once nothing
 * moves any more the `up` is stopped and what the cluster looked like is answered with it.
 */
export async function firstUp(stage: Stage, tell: Tell): Promise<{ operation: Operation; stuck?: Observation }> {
  const settling = new Settling(quietDuringUp);
  const ended = new AbortController();
  const up = stage.stack
    .up({
      onLine(line) {
        settling.moved(performance.now());
        tell(line);
      },
    })
    .finally(() => {
      ended.abort();
    });
  const stuck = await watch(stage, settling, ["stuck"], ended.signal);
  if (stuck !== undefined) stage.stack.kill();
  const operation = operationOf("up", await up, stage);
  if (stuck === undefined) return { operation };
  return { operation: { ...operation, outcome: "stopped", details: [] }, stuck };
}

/** Waits until nothing is open in the cluster, or nothing moves, and answers what it looks like then. */
export async function settled(stage: Stage): Promise<Observation> {
  const seen = await watch(stage, new Settling(quietAfterUp), ["settled", "stuck"], stage.workspace.signal);
  stage.workspace.signal.throwIfAborted();
  return seen ?? stage.observe();
}

/** Looks at the cluster until it is in one of the states, and answers what it looked like; nothing when the signal comes first. */
async function watch(
  stage: Stage,
  settling: Settling,
  states: readonly ("settled" | "stuck")[],
  signal: AbortSignal,
): Promise<Observation | undefined> {
  while (!signal.aborted) {
    const seen = await stage.observe();
    const movement = settling.judge(seen, performance.now());
    if (movement !== "moving" && states.includes(movement)) return seen;
    await setTimeout(pace, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

function operationOf(name: Operation["name"], outcome: Outcome, stage: Stage): Operation {
  const faults = outcome.diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
  const changes = Object.entries(outcome.changes).filter(([op]) => op !== "same");
  const mayChange = name === "up" || name === "destroy";
  const changed = !mayChange && changes.length > 0;
  const details = changed ? [...changedResources(outcome.text), ...faults] : faults;
  return {
    name,
    seconds: outcome.seconds,
    outcome: changed ? "changed" : outcome.ok ? "done" : "failed",
    details: outcome.ok && !changed ? [] : [...new Set(details.map((detail) => stage.redact(detail)))],
  };
}

/** The lines of the engine's display that tell a change of a resource, such as " ~  kubernetes:core/v1:Secret auth-token updated". */
function changedResources(text: string): string[] {
  return text.split("\n").flatMap((line) => /^\s*(?:[+~-]{1,2})\s+(\S+:\S+ \S+ .+?)\s*$/.exec(line)?.[1] ?? []);
}
