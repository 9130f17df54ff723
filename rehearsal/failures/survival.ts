/** Whether Pulsar continues with the remaining pods, by the rules of ZooKeeper and BookKeeper. */
import type { Component, Layout } from "../../model/layouts/layout.ts";
import type { Observation } from "../cluster/observe.ts";
import { componentOf } from "../report/plan.ts";
import type { Remaining, Survival } from "./whatIf.ts";

/** How ledgers are written. */
export interface Quorum {
  ensemble: number;
  write: number;
  ack: number;
  /** Over how many racks the copies of an entry are spread at least; 0 where racks are not looked at. */
  racks: number;
}

export interface Circumstances {
  /** The cluster once it had settled. */
  after: Observation;
  /** The nodes that died; what the API still says of their pods does not count. */
  dead: readonly string[];
  layout: Layout;
  quorum: Quorum;
}

/** The quorum in the brokers' configuration, the data of their ConfigMap. What it does not say is 2 (both charts, Pulsar's broker.conf). */
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

export function judgeSurvival(circumstances: Circumstances): Survival {
  const { layout, quorum } = circumstances;
  const remaining = (component: Component, needed: (replicas: number) => number): Remaining => {
    const { replicas } = layout.placements[component];
    return { running: running(component, circumstances).length, replicas, needed: needed(replicas) };
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
    stops: stops(left, circumstances),
    weaker: weaker(left, circumstances),
  };
}

type Left = Pick<Survival, "zookeeper" | "bookies" | "brokers" | "proxies">;

function stops({ zookeeper, bookies, brokers, proxies }: Left, circumstances: Circumstances): string[] {
  const { quorum } = circumstances;
  const lost = missing(bookies);
  return [
    ...(short(zookeeper)
      ? [
          `ZooKeeper has no majority: ${some(zookeeper)}, ${needed(zookeeper)}; brokers and bookies cannot continue without it`,
        ]
      : []),
    ...(short(bookies)
      ? [
          `each ledger is spread over ${plural(quorum.ensemble, "bookie")}, and ${some(bookies)}: no ledger can be opened and no topic written`,
        ]
      : []),
    ...(lost > 0 && copiesLost(lost, circumstances) >= quorum.ack
      ? [
          `${lost} of ${plural(bookies.replicas, "bookie")} are missing, and a message is acknowledged once ${quorum.ack} have it: ` +
            "acknowledged messages may be on missing ones only, and not be read until one of those is back",
        ]
      : []),
    ...(short(brokers) ? ["no broker runs: no topic is served"] : []),
    ...(short(proxies) ? ["no proxy runs: clients that connect through it are cut off"] : []),
  ];
}

/**
 * How many copies of one entry may be on the missing bookies. If these are all of one rack it is every second copy at most, as each bookie of a
 * ledger is taken from another rack than the one before, and fewer if an entry has to be in more than two racks (BookKeeper's
 * RackawareEnsemblePlacementPolicy).
 */
function copiesLost(lost: number, circumstances: Circumstances): number {
  const { layout, quorum } = circumstances;
  const { nodes, replicas } = layout.placements.bookkeeper;
  const planned = nodes.slice(0, replicas);
  const alive = running("bookkeeper", circumstances).map(({ node }) => node);
  const rackOf = (name: string) => {
    const node = layout.nodes.find((one) => one.name === name);
    return node?.rack ?? node?.zone;
  };
  const racks = new Set(planned.filter((node) => !alive.includes(node)).map(rackOf));
  const oneOfMany = racks.size === 1 && new Set(planned.map(rackOf)).size > 1;
  if (quorum.racks === 0 || !oneOfMany) return Math.min(lost, quorum.write);
  return Math.min(lost, Math.ceil(quorum.write / 2), quorum.write - Math.min(quorum.racks, quorum.write) + 1);
}

function weaker({ zookeeper, bookies, brokers, proxies }: Left, circumstances: Circumstances): string[] {
  const { layout, quorum } = circumstances;
  const none = (component: Component) =>
    layout.placements[component].replicas > 0 && running(component, circumstances).length === 0;
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

function running(component: Component, { after, dead }: Circumstances): Observation["pods"] {
  return after.pods.filter(
    (pod) =>
      componentOf(pod.component) === component &&
      pod.state === "ready" &&
      pod.node !== undefined &&
      !dead.includes(pod.node),
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
  const all = noun === undefined ? String(replicas) : plural(replicas, noun);
  return `${alive === 0 ? "none" : alive} of ${all} ${alive === 1 ? "runs" : "run"}`;
}

function needed({ needed: least }: Remaining): string {
  return `${least} ${least === 1 ? "is" : "are"} needed`;
}

function plural(count: number, noun: string): string {
  if (count === 1) return `${count} ${noun}`;
  return `${count} ${noun.endsWith("y") ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}
