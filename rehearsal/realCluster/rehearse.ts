/** A rehearsal on an existing cluster. */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { execa } from "execa";
import { tokenSecret } from "../../model/tokens.ts";
import { fullName } from "../../model/charts/names.ts";
import { caSecret } from "../../model/tls.ts";
import type { AdminAccess } from "../../resources/pulsar/adminApi.ts";
import { connect } from "../cluster/api.ts";
import type { Log } from "../cli/progress.ts";
import { RehearsalError } from "../engine/fault.ts";
import { readConfig } from "../engine/stackConfig.ts";
import { generateSecrets, ownProject, readStackFile, settingsOf } from "../engine/stackSettings.ts";
import { Interrupted } from "../engine/workspace.ts";
import { movesOf } from "../failures/moves.ts";
import { cordon, drainNodes } from "../failures/nodeFailures.ts";
import type { Operation, RehearsalRecord } from "../report/record.ts";
import {
  deploy,
  emptyRecord,
  rehearseOn,
  type RehearsalResult,
  remove,
  resultOf,
  runOperation,
  waitUntilReady,
  waitUntilStable,
} from "../rehearse.ts";
import { type ExistingCluster, type Limits, type RehearsalOptions, type Stage, withRehearsal } from "../stage.ts";
import { type ClusterArguments, type Step, stepsFor } from "./arguments.ts";
import { changesIn } from "./changes.ts";
import { compareMoves, comparePods } from "./compare.ts";
import { newDirectories, removeDirectories } from "./directories.ts";
import { accessTo, type Facts, readFacts, stacksOn } from "./facts.ts";
import { nodeClient } from "./messages/client.ts";
import { openMessaging } from "./messages/messaging.ts";
import type { Traffic } from "./messages/traffic.ts";
import { nodeFaults, nodeOverrides } from "./nodes.ts";
import { clusterFaults, disposableFaults } from "./preflight.ts";
import { smallSizeLines, smallSizes } from "./small.ts";
import { TroubleWatch } from "./troubles.ts";

/** How long the cluster may be quiet before `up` is stopped, in milliseconds: while images are pulled and JVMs start, or if a pod cannot start. */
const quietPeriod = { usual: 600_000, hopeless: 90_000 };

type Options = Pick<RehearsalOptions, "stack" | "chart" | "stackFiles" | "standIns" | "progress" | "project"> & {
  log: Log;
  /** @default those for real pods */
  limits?: Limits;
  /** With the report, before everything is removed. */
  beforeRemoval?: (stage: Stage, result: RehearsalResult) => Promise<void>;
};

/**
 * Checks the cluster, deploys the stack to it, runs the steps, and removes everything, also after a failure or Ctrl-C.
 * @throws RehearsalError with every reason not to touch the cluster
 */
export async function rehearseOnCluster(args: ClusterArguments, options: Options): Promise<RehearsalResult> {
  const { stack = "test", project = ownProject, stackFiles = project, log } = options;
  const config = readConfig(await readStackFile(stackFiles, stack), `Pulumi.${stack}.yaml`);
  const written = await settingsOf(stack, config, generateSecrets(), project);
  const access = await accessTo(args);
  const facts = await readFacts(await connect({ text: access.kubeconfig }), written.namespace);
  const stacks = await stacksOn({ ...access, context: args.context }, [project, stackFiles]);
  const names = written.nodes.map(({ name }) => name);
  const { steps, faults: stepFaults } = stepsFor(args, written);
  const faults = [
    ...disposableFaults(facts, { ...args, stacks }),
    ...nodeFaults(names, args.nodes, facts.nodes),
    ...stepFaults,
  ];
  if (steps.includes("messages")) {
    await nodeClient().catch((fault: unknown) => faults.push(`--steps: messages: ${(fault as Error).message}`));
  }
  const run = `rehearsal-${randomBytes(4).toString("hex")}`;
  const plain = {
    ...nodeOverrides(written.nodes, args.nodes, facts.nodes),
    ...newDirectories(written, run),
    ...(args.small ? smallSizes() : {}),
  };
  const { beforeRemoval, limits, ...common } = options;
  const shared: RehearsalOptions = { ...common, config: { plain } };
  const troubles = new TroubleWatch(log);
  const real: RehearsalOptions = {
    ...shared,
    check(settings) {
      faults.push(...clusterFaults(facts, settings), ...drainFaults(args.drain, settings.layout.nodes));
      if (faults.length > 0) throw new RehearsalError(faults.join("\n"));
    },
    existing: {
      ...access,
      context: args.context,
      databaseHost: args.databaseHost ?? (await addressFor(facts)),
      ...(args.pullCredentials === undefined ? {} : { pullCredentials: await credentials(args.pullCredentials) }),
      parts: partsOf(args, facts),
      limits: limits ?? {
        quiet: {
          duringUp: () => (troubles.permanent ? quietPeriod.hopeless : quietPeriod.usual),
          afterUp: () => 60_000,
        },
        stable: 300_000,
        ready: 600_000,
        removal: 120_000,
      },
      troubles,
    },
  };
  const predicted = args.compare ? await predict(shared, args, faults) : undefined;
  return withRehearsal(real, async (stage) => {
    const record = { ...emptyRecord(stage), cluster: args.context };
    let problem: unknown;
    try {
      await runSteps(stage, record, { ...args, steps }, predicted);
      await beforeRemoval?.(stage, resultOf(record, stage));
    } catch (fault) {
      problem = fault;
    }
    if (stage.workspace.signal.aborted) {
      log("removing everything from the cluster; Ctrl-C again leaves it there");
      stage.stack.ignoreSignal();
      await stage.stack.cancel().catch(() => undefined);
    }
    if (!record.operations.some(({ name, outcome }) => name === "up" && outcome === "done")) {
      await removeUnrecorded(stage);
    }
    await remove(stage, record);
    record.leftovers.push(...(await removeDirectories(stage.api, stage.settings, run)));
    const result = resultOf(record, stage);
    // Removed at the request of the user, who has seen the report.
    if (!(problem instanceof Error) || (problem instanceof Interrupted && beforeRemoval)) return result;
    for (const line of result.verdict.problems) log(line);
    throw problem;
  });
}

function drainFaults(drain: string | undefined, nodes: readonly { name: string }[]): string[] {
  if (drain === undefined || nodes.some(({ name }) => name === drain)) return [];
  return [`--drain: the stack does not use the node ${drain}; name one of ${nodes.map(({ name }) => name).join(", ")}`];
}

function partsOf({ context, small }: ClusterArguments, { version, nodes }: Facts): ExistingCluster["parts"] {
  return {
    real: [`Kubernetes ${version} of the context ${context} (${nodes.length} nodes)`, "all containers"],
    standIns: small ? [`sizes for a laptop (--small): ${smallSizeLines().join("; ")}`] : [],
  };
}

async function credentials(file: string): Promise<string> {
  return readFile(file, "utf8").catch((cause: unknown) => {
    throw new RehearsalError(`--pull-credentials: ${file} cannot be read; give a Docker configuration`, { cause });
  });
}

/** The address of this machine that packets to the nodes leave from. */
async function addressFor({ nodes }: Facts): Promise<string> {
  const to = nodes.flatMap(({ status }) => status?.addresses ?? []).find(({ type }) => type === "InternalIP")?.address;
  if (to === undefined) throw new RehearsalError("--database-host: the nodes have no InternalIP; give the address");
  const socket = createSocket(to.includes(":") ? "udp6" : "udp4");
  try {
    // Sends nothing, but makes the kernel choose a route.
    socket.connect(9, to);
    await once(socket, "connect");
    return socket.address().address;
  } catch (cause) {
    throw new RehearsalError(`--database-host: this machine has no route to ${to}; give its address for the pods`, {
      cause,
    });
  } finally {
    socket.close();
  }
}

/** What a rehearsal on simulated nodes says of the same stack. */
async function predict(options: RehearsalOptions, { drain }: ClusterArguments, faults: readonly string[]) {
  // The cluster's own faults are reported first.
  if (faults.length > 0) return undefined;
  const whatIf = drain === undefined ? undefined : { drain: [drain] };
  const { record } = await withRehearsal({ ...options, skipCheckpoints: true }, (stage) =>
    rehearseOn(stage, { keep: true, whatIf }),
  );
  return record;
}

async function runSteps(
  stage: Stage,
  record: RehearsalRecord,
  { steps, drain }: { steps: readonly Step[]; drain?: string },
  predicted: RehearsalRecord | undefined,
): Promise<void> {
  await deploy(stage, record);
  if (record.seen && predicted?.seen) record.comparison = comparePods(predicted.seen, record.seen);
  if (record.operations.some(({ outcome }) => outcome !== "done")) return;
  const { cluster, settings } = stage;
  const { namespace, release, tokens, tls } = settings;
  const access: AdminAccess = {
    cluster,
    namespace,
    release,
    service: `${fullName(release)}-proxy`,
    token: tokenSecret(release, tokens.roles.client),
    ...(tls.enabled && { forwardCa: caSecret(release) }),
  };
  const messaging = steps.includes("messages") ? await openMessaging(access) : undefined;
  try {
    let traffic: Traffic | undefined;
    if (messaging) {
      [record.messages] = await stage.progress({
        title: "messages",
        work: async () => ({ checks: await messaging.checks(), traffic: [] }),
      });
      if (record.messages.checks.every(({ ok }) => ok)) traffic = await messaging.startTraffic();
    }
    for (const step of steps) {
      if (step === "messages" || step === "destroy") continue;
      for (const [part, work] of operationsOf(stage, record, step, drain ?? "", predicted)) {
        const operation = await (traffic ? traffic.during(part, work) : work());
        record.operations.push(operation);
        if (operation.outcome !== "done") break;
        await messaging?.trust();
      }
    }
    if (traffic && record.messages) record.messages.traffic = await traffic.stop();
  } finally {
    await messaging?.close();
  }
}

type Part = [row: string, work: () => Promise<Operation>];

/** The operations of a step, with their names in the table of the messages. The next one runs only after a success. */
function operationsOf(
  stage: Stage,
  record: RehearsalRecord,
  step: Exclude<Step, "messages" | "destroy">,
  node: string,
  predicted: RehearsalRecord | undefined,
): Part[] {
  switch (step) {
    case "second-up":
      return [[step, () => runOperation(stage, "second up")]];
    case "refresh":
      return [[step, () => runOperation(stage, "refresh")]];
    case "drain":
      return [[step, () => drainAndReturn(stage, record, node, predicted)]];
    default:
      return changesIn(step, stage.settings).map(({ name, config }, i, { length }): Part => {
        const work = async () => {
          await stage.stack.configure(config);
          return readyAfter(stage, await runOperation(stage, name));
        };
        return [length === 1 ? step : `${step} ${i + 1}`, work];
      });
  }
}

async function readyAfter(stage: Stage, operation: Operation): Promise<Operation> {
  return waitUntilReady(stage).then(
    () => operation,
    (fault: unknown) => {
      if (!(fault instanceof RehearsalError)) throw fault;
      return { ...operation, outcome: "failed", details: [...operation.details, fault.message, ...stage.troubles()] };
    },
  );
}

/** Drains a node as kubectl does, waits for the other pods, uncordons it, and waits for all. */
async function drainAndReturn(
  stage: Stage,
  record: RehearsalRecord,
  node: string,
  predicted: RehearsalRecord | undefined,
): Promise<Operation> {
  const started = performance.now();
  const [operation] = await stage.progress({
    title: `drain ${node}`,
    work: async (): Promise<Operation> => {
      const before = await stage.observe();
      let refused: Map<string, string>;
      try {
        refused = await drainNodes(stage, [node]);
        const moves = movesOf(before, await waitUntilStable(stage), [node], refused);
        if (predicted?.whatIfs?.[0]) {
          record.comparison = [...(record.comparison ?? []), ...compareMoves(predicted.whatIfs[0].moves, moves)];
        }
      } finally {
        await cordon(stage, node, false);
      }
      const details = [...refused].map(([pod, why]) => `${pod} was not evicted: ${why}`);
      return { name: "drain", seconds: 0, outcome: refused.size === 0 ? "done" : "failed", details };
    },
  });
  return readyAfter(stage, { ...operation, seconds: (performance.now() - started) / 1000 });
}

/**
 * Deletes what an `up` that was stopped has created but not recorded in the state: the release, and the volumes with their claims, which would
 * keep each other. None of them existed before.
 */
async function removeUnrecorded(stage: Stage): Promise<void> {
  const { api, cluster, settings, helm, workspace } = stage;
  const { namespace, release, plannedVolumes } = settings;
  const { deployment } = (await stage.stack.exportState()) as { deployment?: { resources?: { type: string }[] } };
  if (!deployment?.resources?.some(({ type }) => type === "kubernetes:helm.sh/v3:Release")) {
    const access = ["--kubeconfig", cluster.kubeconfig, "--namespace", namespace];
    await execa(helm, ["uninstall", release, "--ignore-not-found", "--wait", "--timeout", "3m", ...access], {
      env: workspace.env,
      reject: false,
    });
  }
  const ignoreAbsent = () => undefined;
  for (const { claim: name } of plannedVolumes) {
    await api.core.deleteNamespacedPersistentVolumeClaim({ name, namespace }).catch(ignoreAbsent);
    await api.core.deletePersistentVolume({ name }).catch(ignoreAbsent);
  }
}
