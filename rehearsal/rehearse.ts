/** The rehearsal of a stack, step by step. */
import { setTimeout } from "node:timers/promises";
import { imageRef, stackImages } from "../model/charts/images.ts";
import { advise } from "./failures/advice.ts";
import { casesOf, type Case, type Question } from "./failures/cases.ts";
import { judgeDatabases, listDatabases } from "./cluster/databases.ts";
import type { Outcome } from "./engine/stack.ts";
import { compare, takeInventory, type Difference } from "./cluster/inventory.ts";
import { drain, giveBack, lose, readQuorum } from "./failures/losing.ts";
import { movesOf } from "./failures/moves.ts";
import type { Observation } from "./cluster/observe.ts";
import type { Tell } from "./cli/progress.ts";
import { findMissing } from "./cluster/references.ts";
import type { Operation, RehearsalRecord, Verdict } from "./report/record.ts";
import { render, verdict } from "./report/report.ts";
import { openMatters, Settling, type Movement } from "./failures/settling.ts";
import { withRehearsal, type RehearsalOptions, type Stage } from "./stage.ts";
import { judgeSurvival } from "./failures/survival.ts";
import { waitFor } from "./cluster/waiting.ts";
import type { WhatIf } from "./failures/whatIf.ts";

export interface RehearsalResult {
  record: RehearsalRecord;
  verdict: Verdict;
  /** The whole report as text. */
  report: string;
}

/** Milliseconds between two looks at the cluster, while the engine needs the machine and when nothing else is to be done. */
const pace = { duringUp: 1000, afterwards: 250 };

/**
 * Milliseconds without a movement in the cluster and without a word from the engine after which an `up` is taken to wait for something
 * that will not come. The scheduler needs a second for a pod, the engine a few for a step of its own.
 */
const quietDuringUp = 10_000;

/** The same once the engine has finished and only the cluster itself is at work. */
const quietAfterUp = 5_000;

/** How long the pods may go on moving after `up`, in milliseconds; what they look like then is what is reported. */
const settlingLimit = 60_000;

/** How long all pods may take to run again once lost nodes are back, in milliseconds. */
const returnLimit = 180_000;

/** How long after `destroy` the cluster may still be busy removing things, in milliseconds. */
const removalLimit = 15_000;

/** Sets everything up, rehearses the stack, and takes everything down again. */
export async function rehearse(options: RehearsalOptions = {}): Promise<RehearsalResult> {
  return withRehearsal(options, (stage) => rehearseOn(stage));
}

/**
 * Up, wait until the pods settle, second up, refresh, destroy. After an `up` that did not come to its end the rest is left out.
 *
 * @param keep leaves the stack deployed
 * @param whatIf which nodes to take away; that comes in place of second up, refresh and destroy
 * @throws RehearsalError for nodes to take away that the stack does not have
 */
export async function rehearseOn(
  stage: Stage,
  { keep = false, whatIf }: { keep?: boolean; whatIf?: Question } = {},
): Promise<RehearsalResult> {
  const cases = whatIf && casesOf(whatIf, stage.layout.nodes);
  const record: RehearsalRecord = {
    stack: stage.stack.name,
    layout: stage.layout,
    pullSecret: stage.settings.images.pullSecret,
    images: stackImages(stage.settings.images).map(({ image }) => imageRef(image)),
    parts: stage.parts,
    operations: [],
    missing: [],
    leftovers: [],
    trespasses: [],
  };
  await deploy(stage, record);
  if (record.operations.every(({ outcome }) => outcome === "done")) {
    if (cases) {
      record.whatIfs = await takeAway(stage, cases);
    } else {
      await repeat(stage, record);
      if (!keep) await remove(stage, record);
    }
  }
  const shown = redacted(record, stage);
  return { record: shown, verdict: verdict(shown), report: render(shown) };
}

/** Before it is rendered: what a secret looks like depends on what its text is escaped for. */
function redacted(record: RehearsalRecord, stage: Stage): RehearsalRecord {
  const text = JSON.stringify(record);
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === "string" ? stage.redact(value) : value,
  ) as RehearsalRecord;
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

/** Each case from a stack that runs wholly; after the last one the nodes stay away. */
export async function takeAway(stage: Stage, cases: readonly Case[]): Promise<WhatIf[]> {
  const whatIfs: WhatIf[] = [];
  for (const [i, one] of cases.entries()) {
    const previous = cases[i - 1];
    if (previous) {
      await stage.progress({
        title: `restore ${previous.nodes.join(", ")}`,
        work: async () => {
          await giveBack(stage, previous.nodes);
          await allRun(stage);
        },
      });
    }
    const [whatIf] = await stage.progress({
      title: `${one.kind === "lost" ? "lose" : "drain"} ${one.nodes.join(", ")}`,
      work: () => tryOut(stage, one),
    });
    whatIfs.push(whatIf);
  }
  return whatIfs;
}

/** Waits until nothing is open any more. */
export async function allRun(stage: Stage): Promise<void> {
  await waitFor(
    async () => {
      const open = openMatters(await stage.observe()).map(({ kind, name }) => `${kind} ${name}`);
      if (open.length > 0) throw new Error(`not ready: ${open.join(", ")}`);
      return true;
    },
    { what: "the return of all pods", limit: returnLimit, every: pace.afterwards, signal: stage.workspace.signal },
  );
}

async function tryOut(stage: Stage, one: Case): Promise<WhatIf> {
  const { kind, nodes } = one;
  const { settings, layout } = stage;
  const [before, quorum] = await Promise.all([stage.observe(), readQuorum(stage)]);
  const refused =
    kind === "drained" ? await drain(stage, nodes) : (await lose(stage, nodes), new Map<string, string>());
  const after = await settled(stage);
  const moves = movesOf(before, after, nodes, refused);
  const survival = judgeSurvival({ after, dead: kind === "lost" ? nodes : [], layout, quorum });
  return { ...one, moves, survival, advice: advise({ kind, nodes, moves, survival, after }, settings), after };
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

/** `destroy`, and the search for what it left or took too much; in production it has to be refused first. */
async function remove(stage: Stage, record: RehearsalRecord): Promise<void> {
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
  const { added, removed } = await afterDestroy(stage);
  const databases = judgeDatabases(
    { before: stage.databasesBefore, deployed, after: await listDatabases(stage.postgres) },
    stage.settings.managerDatabase.deleteData,
  );
  record.leftovers.push(...added, ...databases.leftovers);
  record.trespasses.push(...removed, ...databases.trespasses);
}

/**
 * How the cluster differs from what it was before the first `up`, once nothing more is there than then or the limit is over.
 *
 * @param limit in milliseconds
 */
export async function afterDestroy(stage: Stage, limit = removalLimit): Promise<Difference> {
  const difference = async () => compare(stage.before, await takeInventory(stage.api));
  return waitFor(
    async () => {
      const found = await difference();
      return found.added.length === 0 ? found : undefined;
    },
    { what: "the removal of everything", limit, every: pace.afterwards, signal: stage.workspace.signal },
  ).catch(difference);
}

/** The `destroy` of a production stack, which must end before it has touched anything. */
async function refusedDestroy(stage: Stage): Promise<Operation> {
  const before = await takeInventory(stage.api);
  const [outcome] = await stage.progress({
    title: "destroy (must be refused)",
    work: (onLine) => stage.stack.destroy({ onLine }),
  });
  const { added, removed } = compare(before, await takeInventory(stage.api));
  const touched = [...added, ...removed].map((what) => `touched: ${what}`);
  const details = outcome.ok ? ["the production stack was destroyed instead of being refused"] : touched;
  return { name: "destroy", seconds: outcome.seconds, outcome: details.length === 0 ? "refused" : "failed", details };
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
  // It may end with an error while the cluster is being looked at; that is told below.
  up.catch(() => undefined);
  const stuck = await watch(stage, settling, ["stuck"], pace.duringUp, ended.signal);
  if (stuck !== undefined) stage.stack.kill();
  const operation = operationOf("up", await up, stage);
  if (stuck === undefined) return { operation };
  // What was killed leaves a lock, in the way of whoever goes on with this stack.
  await stage.stack.cancel();
  return { operation: { ...operation, outcome: "stopped", details: [] }, stuck };
}

/** Waits until nothing is open in the cluster, or nothing moves, and answers what it looks like then. */
export async function settled(stage: Stage): Promise<Observation> {
  const { signal } = stage.workspace;
  const enough = AbortSignal.any([signal, AbortSignal.timeout(settlingLimit)]);
  const seen = await watch(stage, new Settling(quietAfterUp), ["settled", "stuck"], pace.afterwards, enough);
  signal.throwIfAborted();
  return seen ?? stage.observe();
}

/**
 * Looks at the cluster until it is in one of the states, and answers what it looked like; nothing when the signal comes first. An API server
 * that does not answer once is asked again.
 */
async function watch(
  stage: Stage,
  settling: Settling,
  states: readonly Movement[],
  every: number,
  signal: AbortSignal,
): Promise<Observation | undefined> {
  while (!signal.aborted) {
    const began = performance.now();
    const seen = await stage.observe().catch(() => undefined);
    const now = performance.now();
    if (seen && states.includes(settling.judge(seen, now))) return seen;
    // A large cluster is not kept busy with being looked at.
    const pause = Math.max(every, 4 * (now - began));
    await setTimeout(pause, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

function operationOf(name: Operation["name"], outcome: Outcome, stage: Stage): Operation {
  const faults = outcome.diagnostics
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message)
    // The engine's last word, which says nothing more.
    .filter(
      (message, _, all) => all.length === 1 || !/^(update|refresh|destroy) failed$|^no changes were/.test(message),
    );
  const changes = Object.entries(outcome.changes).filter(([op]) => op !== "same");
  const mayChange = name !== "second up" && name !== "refresh";
  const changed = !mayChange && changes.length > 0;
  const details = changed ? [...changedResources(outcome.text), ...faults] : faults;
  return {
    name,
    seconds: outcome.seconds,
    outcome: changed ? "changed" : outcome.ok ? "done" : "failed",
    details: outcome.ok && !changed ? [] : [...new Set(details.map((detail) => stage.redact(detail)))],
  };
}

/** What the engine's display tells of changed resources, such as " ~  kubernetes:core/v1:Secret auth-token updated (0.6s)", without the times. */
function changedResources(text: string): string[] {
  return text
    .split("\n")
    .flatMap(
      (line) => /^\s*[+~-]{1,2}\s+(\S+:\S+ \S+ (?:created|updated|deleted|replaced)\b.*?)\s*$/.exec(line)?.[1] ?? [],
    )
    .map((line) => line.replace(/ \([\d.]+m?s\)/, ""));
}
