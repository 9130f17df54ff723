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
  const left = {
    zookeeper: remaining("zookeeper", (replicas) => Math.floor(replicas / 2) + 1),
    bookies: remaining("bookkeeper", () => quorum.ensemble),
    brokers: remaining("broker", atLeastOne),
    proxies: remaining("proxy", atLeastOne),
  };
  return {
    ...left,
    quorum: { ensemble: quorum.ensemble, write: quorum.write, ack: quorum.ack },
    stops: stopReasons(left, input),
    degraded: degradations(left, input),
  };
}

type RemainingReplicas = Pick<Survival, "zookeeper" | "bookies" | "brokers" | "proxies">;

function stopReasons({ zookeeper, bookies, brokers, proxies }: RemainingReplicas, input: SurvivalInput): string[] {
  const { quorum } = input;
  const lost = missing(bookies);
  return [
    ...(short(zookeeper)
      ? [
          `ZooKeeper has no majority: ${some(zookeeper)}, ${needed(zookeeper)}; brokers and bookies cannot continue without it`,
        ]
      : []),
    ...(short(bookies)
      ? [
          `each ledger is spread over ${count(quorum.ensemble, "bookie")}, and ${some(bookies)}: no ledger can be opened and no topic written`,
        ]
      : []),
    ...(lost > 0 && copiesLost(lost, input) >= quorum.ack
      ? [
          `${lost} of ${count(bookies.replicas, "bookie")} are missing, and a message is acknowledged once ${quorum.ack} have it: ` +
            "acknowledged messages may be on missing ones only, and not be read until one of those is back",
        ]
      : []),
    ...(short(brokers) ? ["no broker runs: no topic is served"] : []),
    ...(short(proxies) ? ["no proxy runs: clients that connect through it are cut off"] : []),
  ];
}

/**
 * The maximum number of copies of one entry on the missing bookies. If all of them are in one rack, it is half of the copies or fewer, because
 * BookKeeper's RackawareEnsemblePlacementPolicy takes successive bookies of a ledger from different racks.
 */
function copiesLost(lost: number, input: SurvivalInput): number {
  const { layout, quorum } = input;
  const { nodes, replicas } = layout.placements.bookkeeper;
  const planned = nodes.slice(0, replicas);
  const alive = running("bookkeeper", input).map(({ node }) => node);
  const rackOf = (name: string) => {
    const node = layout.nodes.find((one) => one.name === name);
    return node?.rack ?? node?.zone;
  };
  const racks = new Set(planned.filter((node) => !alive.includes(node)).map(rackOf));
  const oneRack = racks.size === 1 && new Set(planned.map(rackOf)).size > 1;
  if (quorum.racks === 0 || !oneRack) return Math.min(lost, quorum.write);
  return Math.min(lost, Math.ceil(quorum.write / 2), quorum.write - Math.min(quorum.racks, quorum.write) + 1);
}

function degradations({ zookeeper, bookies, brokers, proxies }: RemainingReplicas, input: SurvivalInput): string[] {
  const { layout, quorum } = input;
  const none = (component: Component) =>
    layout.placements[component].replicas > 0 && running(component, input).length === 0;
  const lost = missing(bookies);
  const last = bookies.running === bookies.needed || lost + 1 >= quorum.ack;
  return [
    ...(missing(zookeeper) > 0 && !short(zookeeper)
      ? [`${some(zookeeper, "ZooKeeper")}${zookeeper.running === zookeeper.needed ? ": no more may be lost" : ""}`]
      : []),
    ...(lost > 0 && !short(bookies) ? [`${some(bookies, "bookie")}${last ? ": no more may be lost" : ""}`] : []),
    ...(lost > 0 ? [`ledgers that have a copy on a missing bookie are under-replicated ${until(bookies, none)}`] : []),
    ...(lost === 0 && none("autorecovery")
      ? ["autorecovery does not run: ledgers of a lost bookie would stay under-replicated"]
      : []),
    ...(missing(brokers) > 0 && !short(brokers) ? [some(brokers, "broker")] : []),
    ...(missing(proxies) > 0 && !short(proxies) ? [some(proxies, "proxy")] : []),
    ...(none("toolset") ? ["the toolset does not run: operators use its tools, clients do not"] : []),
    ...(none("manager") ? ["Pulsar Manager does not run: operators use it, clients do not"] : []),
  ];

  function until({ running: alive }: Remaining, out: typeof none): string {
    if (alive < quorum.write) return "until the bookie is back: too few are left to copy to";
    if (out("autorecovery")) return "and remain so: autorecovery does not run";
    return "until autorecovery has copied them";
  }
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

function missing({ running: alive, replicas }: Remaining): number {
  return Math.max(0, replicas - alive);
}

function short({ running: alive, needed: least }: Remaining): boolean {
  return alive < least;
}

/** "2 of 3 bookies run", "1 of 3 runs". */
function some({ running: alive, replicas }: Remaining, noun?: string): string {
  const all = noun === undefined ? String(replicas) : count(replicas, noun);
  return `${alive === 0 ? "none" : alive} of ${all} ${alive === 1 ? "runs" : "run"}`;
}

function needed({ needed: least }: Remaining): string {
  return `${least} ${least === 1 ? "is" : "are"} needed`;
}
