/** What an operator does once nodes are lost or drained: a line for each step, with the commands. */
import { bookieId, fullName, type Installation } from "../components/charts/names.ts";
import type { Component } from "../components/layouts/layout.ts";
import { enumerate } from "./explain.ts";
import type { Observation } from "./observe.ts";
import { componentOf } from "./plan.ts";
import type { Move, WhatIf } from "./whatIf.ts";

type Told = Pick<WhatIf, "kind" | "nodes" | "moves" | "survival" | "after">;

export function advise(told: Told, installation: Installation): string[] {
  return told.kind === "lost" ? afterLoss(told, installation) : afterDrain(told, installation);
}

/**
 * Kubernetes never replaces a StatefulSet's pod whose end no kubelet confirms ("Force Delete StatefulSet Pods"); the taint that settles it is
 * of "Non-graceful node shutdown" (stable since 1.28). A bookie with empty directories is refused by its cookie in ZooKeeper until it is
 * decommissioned (BookKeeper 4.12, `decommissionbookie`).
 */
function afterLoss(told: Told, installation: Installation): string[] {
  const { nodes, moves, survival } = told;
  const each = nodes.join(" ");
  const are = nodes.length === 1 ? "is" : "are";
  const bookies = waiting(moves, "bookkeeper");
  const pinned = [...bookies, ...waiting(moves, "zookeeper")].sort();
  const shell = shellIn(told, installation);
  return [
    ...(survival.stops.length === 0
      ? []
      : pinned.length === 0
        ? ["The service stands still until there is a node for what waits."]
        : [
            `The service stands still until enough of ${enumerate(pinned)} are back. ${nodes.length === 1 ? `Their disks are in ${each}: get it` : "Their disks are in the lost nodes: get one after the other"} running again before anything else.`,
          ]),
    `Kubernetes replaces nothing by itself but pods of Deployments (the manager's): 40 s after its last sign a node is "unreachable", 5 minutes later its pods end, but those of StatefulSets stay "Terminating" for ever, as no kubelet confirms that they have ended.`,
    `Make sure that ${enumerate(nodes)} ${are} off: one bookie or ZooKeeper running twice spoils data. Then say so, and the pods are made anew as told here: kubectl taint node ${each} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`,
    `Once ${enumerate(nodes)} ${are} back, take the taint away${pinned.length === 0 ? "" : `, and ${enumerate(pinned)} ${pinned.length === 1 ? "starts" : "start"} there on the old volumes`}: kubectl taint node ${each} node.kubernetes.io/out-of-service-`,
    ...(bookies.length === 0
      ? []
      : [
          `Take no other node away before this lists no ledger: ${shell} listunderreplicated`,
          ...bookies.map((pod) => {
            const id = bookieId(installation, Number(/\d+$/.exec(pod)?.[0]));
            return `If the disks of ${pod} are lost, copy its ledgers from the others and let go of its identity, or the new bookie is refused by the old one's cookie: ${shell} decommissionbookie -bookieid ${id}`;
          }),
        ]),
    ...(pinned.length === 0
      ? []
      : [
          `If ${enumerate(nodes)} never ${nodes.length === 1 ? "comes" : "come"} back, another node takes ${nodes.length === 1 ? "its" : "each one's"} place, by the runbook docs/replace-a-node.md.`,
        ]),
    ...spreadOut(told),
  ];
}

function afterDrain(told: Told, installation: Installation): string[] {
  const { nodes, moves, survival } = told;
  const refused = moves.filter((move) => move.refused === true);
  const held = nodes.filter((node) => refused.some(({ from }) => from === node));
  const empty = nodes.filter((node) => !held.includes(node));
  const bookies = waiting(moves, "bookkeeper");
  const pinned = [...bookies, ...waiting(moves, "zookeeper")].sort();
  const waitingPods = moves.filter(({ to, refused: kept }) => to === undefined && kept !== true).map(({ pod }) => pod);
  const shell = shellIn(told, installation);
  const { zookeeper } = survival;
  return [
    ...(held.length === 0
      ? []
      : [
          `kubectl drain of ${enumerate(held)} would ask again for ever: the disruption budgets let only so many pods of a component go at a time. Stop it (Ctrl-C) and let pods start there again: kubectl uncordon ${held.join(" ")}`,
        ]),
    ...(bookies.length === 0
      ? []
      : [
          `Autorecovery begins at once to copy the ledgers of ${enumerate(bookies)} to other bookies. For a short maintenance switch it off before the drain: ${shell} autorecovery -disable`,
          `Meanwhile those ledgers have one copy less${zookeeper.running === zookeeper.needed && zookeeper.running < zookeeper.replicas ? ", and no further ZooKeeper may be lost" : ""}: this is safe for as long as nothing else fails, so for a restart, not for days. For longer work leave autorecovery on.`,
        ]),
    ...(empty.length === 0
      ? []
      : [
          `When the work is done${waitingPods.length === 0 ? "" : `, let ${enumerate(waitingPods)} start again`}: kubectl uncordon ${empty.join(" ")}`,
        ]),
    ...(bookies.length === 0
      ? []
      : [
          `Then, if it is off, switch autorecovery on: ${shell} autorecovery -enable`,
          `Drain no other node before ${enumerate(pinned)} ${pinned.length === 1 ? "is" : "are"} ready and this lists no ledger: ${shell} listunderreplicated`,
        ]),
    ...spreadOut(told),
  ];
}

/** Brokers and proxies have no data: nothing is to be done for those that wait as long as others run. */
function spreadOut({ moves, survival: { brokers, proxies } }: Told): string[] {
  const pods = [
    ...(brokers.running < brokers.needed ? [] : waiting(moves, "broker")),
    ...(proxies.running < proxies.needed ? [] : waiting(moves, "proxy")),
  ].sort();
  if (pods.length === 0) return [];
  const [verb, them] = pods.length === 1 ? ["waits", "it"] : ["wait", "them"];
  return [
    `${enumerate(pods)} only ${verb} for a node with room for ${them}: brokers and proxies hold no data, and those left take over.`,
  ];
}

function waiting(moves: readonly Move[], component: Component): string[] {
  return moves.filter((move) => move.component === component && move.to === undefined && move.refused !== true).map(({ pod }) => pod); // prettier-ignore
}

/** BookKeeper's shell in a pod that runs: the toolset's if it does, else a bookie's. */
function shellIn({ after }: Pick<Told, "after">, { namespace, release }: Installation): string {
  const alive = (wanted: Component): Observation["pods"][number] | undefined =>
    after.pods.find(({ component, state }) => componentOf(component) === wanted && state === "ready");
  const pod = (alive("toolset") ?? alive("bookkeeper"))?.name ?? `${fullName(release)}-toolset-0`;
  return `kubectl exec -n ${namespace} ${pod} -- bin/bookkeeper shell`;
}
