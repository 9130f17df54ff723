/** Whether Pulsar continues with the remaining pods, by the rules of ZooKeeper and BookKeeper. */
import type { Component, Layout } from "../../model/layouts/layout.ts";
import type { Observation } from "../cluster/observe.ts";
import { componentOf } from "../report/placement.ts";
import { count } from "../report/rows.ts";
import type { Remaining, Survival } from "./whatIf.ts";

/** How ledgers are written. */
export interface Quorum {
  ensemble: number;
  write: number;
  ack: number;
  /** The minimum number of racks for the copies of an entry; 0 without rack awareness. */
  racks: number;
}

export interface SurvivalInput {
  /** The cluster after the failure. */
  after: Observation;
  /** The failed nodes. Their pods do not count, whatever the API reports. */
  failed: readonly string[];
  layout: Layout;
  quorum: Quorum;
}

/** The quorum in the data of the brokers' ConfigMap. The default of both charts and of Pulsar's broker.conf is 2. */
export function quorumOf(data: Readonly<Record<string, string>>): Quorum {
  const number = (key: string) => Number(data[key] ?? 2);
  return {
    ensemble: number("managedLedgerDefaultEnsembleSize"),
    write: number("managedLedgerDefaultWriteQuorum"),
    ack: number("managedLedgerDefaultAckQuorum"),
    racks:
      data["bookkeeperClientRackawarePolicyEnabled"] === "true"
        ? number("bookkeeperClientMinNumRacksPerWriteQuorum")
        : 0,
  };
}

export function assessSurvival(input: SurvivalInput): Survival {
  const { layout, quorum } = input;
  const remaining = (component: Component, needed: (replicas: number) => number): Remaining => {
    const { replicas } = layout.placements[component];
    return { running: running(component, input).length, replicas, needed: needed(replicas) };
  };
  const atLeastOne = (replicas: number) => Math.min(1, replicas);
  const remainingReplicas = {
    zookeeper: remaining("zookeeper", (replicas) => Math.floor(replicas / 2) + 1),
    bookies: remaining("bookkeeper", () => quorum.ensemble),
    brokers: remaining("broker", atLeastOne),
    proxies: remaining("proxy", atLeastOne),
  };
  return {
    ...remainingReplicas,
    quorum: { ensemble: quorum.ensemble, write: quorum.write, ack: quorum.ack },
    stops: stopReasons(remainingReplicas, input),
    degraded: degradations(remainingReplicas, input),
  };
}

type RemainingReplicas = Pick<Survival, "zookeeper" | "bookies" | "brokers" | "proxies">;

function stopReasons({ zookeeper, bookies, brokers, proxies }: RemainingReplicas, input: SurvivalInput): string[] {
  const { ensemble, ack } = input.quorum;
  const lost = missing(bookies);
  return linesThatApply([
    [
      isShort(zookeeper),
      `ZooKeeper has no majority: ${share(zookeeper)}, ${zookeeper.needed} ${zookeeper.needed === 1 ? "is" : "are"} needed; brokers and bookies cannot continue without it`,
    ],
    [
      isShort(bookies),
      `each ledger is spread over ${count(ensemble, "bookie")}, and ${share(bookies)}: no ledger can be opened and no topic written`,
    ],
    [
      lost > 0 && copiesLost(lost, input) >= ack,
      `${lost} of ${count(bookies.replicas, "bookie")} are missing, and a message is acknowledged once ${ack} have it: acknowledged messages may exist only on missing bookies, and cannot be read until one of these is back`,
    ],
    [isShort(brokers), "no broker runs: no topic is served"],
    [isShort(proxies), "no proxy runs: clients that connect through it are cut off"],
  ]);
}

/**
 * The maximum number of copies of one entry on the missing bookies. If all of them are in one rack, it is half of the copies or fewer, because
 * BookKeeper's RackawareEnsemblePlacementPolicy takes successive bookies of a ledger from different racks.
 */
function copiesLost(lost: number, input: SurvivalInput): number {
  const { layout, quorum } = input;
  const { nodes, replicas } = layout.placements.bookkeeper;
  const planned = nodes.slice(0, replicas);
  const present = running("bookkeeper", input).map(({ node }) => node);
  const rackOf = (name: string) => {
    const node = layout.nodes.find((one) => one.name === name);
    return node?.rack ?? node?.zone;
  };
  const racks = new Set(planned.filter((node) => !present.includes(node)).map(rackOf));
  const oneRack = racks.size === 1 && new Set(planned.map(rackOf)).size > 1;
  if (quorum.racks === 0 || !oneRack) return Math.min(lost, quorum.write);
  return Math.min(lost, Math.ceil(quorum.write / 2), quorum.write - Math.min(quorum.racks, quorum.write) + 1);
}

function degradations({ zookeeper, bookies, brokers, proxies }: RemainingReplicas, input: SurvivalInput): string[] {
  const { layout, quorum } = input;
  const isDown = (component: Component) =>
    layout.placements[component].replicas > 0 && running(component, input).length === 0;
  const isDegraded = (remaining: Remaining) => missing(remaining) > 0 && !isShort(remaining);
  const lost = missing(bookies);
  const warning = (isLast: boolean) => (isLast ? ": another loss stops the service" : "");
  const isLastBookie = bookies.running === bookies.needed || lost + 1 >= quorum.ack;
  const until =
    bookies.running < quorum.write
      ? "until the bookie is back: too few other bookies are left for copies"
      : isDown("autorecovery")
        ? "and remain so: autorecovery does not run"
        : "until autorecovery has copied them";
  return linesThatApply([
    [isDegraded(zookeeper), `${share(zookeeper, "ZooKeeper")}${warning(zookeeper.running === zookeeper.needed)}`],
    [isDegraded(bookies), `${share(bookies, "bookie")}${warning(isLastBookie)}`],
    [lost > 0, `ledgers that have a copy on a missing bookie are under-replicated ${until}`],
    [
      lost === 0 && isDown("autorecovery"),
      "autorecovery does not run: ledgers of a lost bookie would stay under-replicated",
    ],
    [isDegraded(brokers), share(brokers, "broker")],
    [isDegraded(proxies), share(proxies, "proxy")],
    [isDown("toolset"), "the toolset does not run: operators use its tools, clients do not"],
    [isDown("manager"), "Pulsar Manager does not run: operators use it, clients do not"],
  ]);
}

function linesThatApply(lines: [applies: boolean, line: string][]): string[] {
  return lines.flatMap(([applies, line]) => (applies ? [line] : []));
}

function running(component: Component, { after, failed }: SurvivalInput): Observation["pods"] {
  return after.pods.filter(
    (pod) =>
      componentOf(pod.component) === component &&
      pod.state === "ready" &&
      pod.node !== undefined &&
      !failed.includes(pod.node),
  );
}

function missing({ running, replicas }: Remaining): number {
  return Math.max(0, replicas - running);
}

function isShort({ running, needed }: Remaining): boolean {
  return running < needed;
}

/** "2 of 3 bookies run", "1 of 3 runs". */
function share({ running, replicas }: Remaining, noun?: string): string {
  const all = noun === undefined ? String(replicas) : count(replicas, noun);
  return `${running === 0 ? "none" : running} of ${all} ${running === 1 ? "runs" : "run"}`;
}
