/** The steps of an operator after nodes were lost or drained, one line each, with commands. */
import { bookieId, fullName, type Installation } from "../../model/charts/names.ts";
import type { Component } from "../../model/layouts/layout.ts";
import { enumerate } from "../report/explain.ts";
import type { Observation } from "../cluster/observe.ts";
import { componentOf } from "../report/placement.ts";
import type { Move, WhatIf } from "./whatIf.ts";

type AdviceInput = Pick<WhatIf, "kind" | "nodes" | "moves" | "survival" | "after">;

export function advise(input: AdviceInput, installation: Installation): string[] {
  return input.kind === "lost" ? afterLoss(input, installation) : afterDrain(input, installation);
}

/**
 * Kubernetes does not replace a StatefulSet's pod before a kubelet confirms that it stopped ("Force Delete StatefulSet Pods"), or the node has the
 * taint of "Non-graceful node shutdown" (stable since 1.28). ZooKeeper's cookie refuses a bookie with empty directories until the old one is
 * decommissioned (BookKeeper 4.12, `decommissionbookie`).
 */
function afterLoss(input: AdviceInput, installation: Installation): string[] {
  const { nodes, moves, survival } = input;
  const each = nodes.join(" ");
  const are = nodes.length === 1 ? "is" : "are";
  const bookies = waiting(moves, "bookkeeper");
  const pinned = [...bookies, ...waiting(moves, "zookeeper")].sort();
  const shell = shellIn(input, installation);
  return [
    ...(survival.stops.length === 0
      ? []
      : pinned.length === 0
        ? ["The service is down until there is a node for the pods that wait."]
        : [
            `The service is down until enough of ${enumerate(pinned)} are back. ${nodes.length === 1 ? `Their disks are in ${each}: get it` : "Their disks are in the lost nodes: get one after the other"} running again before anything else.`,
          ]),
    automaticSteps(input),
    `Make sure that ${enumerate(nodes)} ${are} off: one bookie or ZooKeeper running twice corrupts data. Then taint the ${nodes.length === 1 ? "node" : "nodes"}, and Kubernetes replaces the pods as shown here: kubectl taint node ${each} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute`,
    `When ${enumerate(nodes)} ${are} back, remove the taint${pinned.length === 0 ? "" : `, and ${enumerate(pinned)} ${pinned.length === 1 ? "starts" : "start"} there on the old volumes`}: kubectl taint node ${each} node.kubernetes.io/out-of-service-`,
    ...(bookies.length === 0
      ? []
      : [
          `Take no other node out of service before this lists no ledger: ${shell} listunderreplicated`,
          ...bookies.map((pod) => {
            const id = bookieId(installation, Number(/\d+$/.exec(pod)?.[0]));
            return `If the disks of ${pod} are lost, copy its ledgers from the other bookies and remove its cookie, which otherwise refuses the new bookie: ${shell} decommissionbookie -bookieid ${id}`;
          }),
        ]),
    ...(pinned.length === 0
      ? []
      : [
          `If ${enumerate(nodes)} never ${nodes.length === 1 ? "comes" : "come"} back, put another node in ${nodes.length === 1 ? "its" : "each one's"} place: docs/operations/replace-a-node.md.`,
        ]),
    ...waitingServers(input),
  ];
}

/** What Kubernetes does without the operator. It moves only pods of Deployments, whose moves have the name of the Deployment. */
function automaticSteps({ moves, after: { workloads } }: AdviceInput): string {
  const deployments = workloads.filter(({ kind }) => kind === "Deployment").map(({ name }) => name);
  const placed = moves.filter(({ to }) => to !== undefined).map(({ pod }) => pod);
  const moved = placed.filter((pod) => deployments.includes(pod));
  const held = placed.filter((pod) => !deployments.includes(pod)).sort();
  return [
    'Kubernetes marks a node as "unreachable" 40 s after its last heartbeat, and evicts its pods 5 minutes later.',
    ...(moved.length === 0 ? [] : [`It replaces ${enumerate(moved)} (Deployment).`]),
    'Pods of StatefulSets stay "Terminating", because no kubelet confirms that they stopped.',
    ...(held.length === 0
      ? []
      : [`So it replaces ${enumerate(held)} only after the taint node.kubernetes.io/out-of-service.`]),
  ].join(" ");
}

function afterDrain(input: AdviceInput, installation: Installation): string[] {
  const { nodes, moves, survival } = input;
  const refused = moves.filter((move) => move.refused === true);
  const held = nodes.filter((node) => refused.some(({ from }) => from === node));
  const empty = nodes.filter((node) => !held.includes(node));
  const bookies = waiting(moves, "bookkeeper");
  const pinned = [...bookies, ...waiting(moves, "zookeeper")].sort();
  const waitingPods = moves.filter(({ to, refused: kept }) => to === undefined && kept !== true).map(({ pod }) => pod);
  const shell = shellIn(input, installation);
  const { zookeeper } = survival;
  return [
    ...(held.length === 0
      ? []
      : [
          `kubectl drain of ${enumerate(held)} never ends: the disruption budgets do not allow so many pods of a component to be evicted. Stop it (Ctrl-C) and let pods start there again: kubectl uncordon ${held.join(" ")}`,
        ]),
    ...(bookies.length === 0
      ? []
      : [
          `Autorecovery immediately starts to copy the ledgers of ${enumerate(bookies)} to other bookies. For a short maintenance, switch it off before the drain: ${shell} autorecovery -disable`,
          `Meanwhile those ledgers have one copy less${zookeeper.running === zookeeper.needed && zookeeper.running < zookeeper.replicas ? ", and no further ZooKeeper may be lost" : ""}: this is safe only as long as nothing else fails, so for a restart, not for days. For longer work, leave autorecovery on.`,
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
    ...waitingServers(input),
  ];
}

/** Brokers and proxies that wait need no action as long as others run. */
function waitingServers({ moves, survival: { brokers, proxies } }: AdviceInput): string[] {
  const pods = [
    ...(brokers.running < brokers.needed ? [] : waiting(moves, "broker")),
    ...(proxies.running < proxies.needed ? [] : waiting(moves, "proxy")),
  ].sort();
  if (pods.length === 0) return [];
  const [verb, them] = pods.length === 1 ? ["waits", "it"] : ["wait", "them"];
  return [
    `${enumerate(pods)} only ${verb} for a node with room for ${them}: brokers and proxies hold no data, and the others take over.`,
  ];
}

function waiting(moves: readonly Move[], component: Component): string[] {
  return moves.filter((move) => move.component === component && move.to === undefined && move.refused !== true).map(({ pod }) => pod); // prettier-ignore
}

/** BookKeeper's shell in a running pod: the toolset's, or else a bookie's. */
function shellIn({ after }: Pick<AdviceInput, "after">, { namespace, release }: Installation): string {
  const ready = (wanted: Component): Observation["pods"][number] | undefined =>
    after.pods.find(({ component, state }) => componentOf(component) === wanted && state === "ready");
  const pod = (ready("toolset") ?? ready("bookkeeper"))?.name ?? `${fullName(release)}-toolset-0`;
  return `kubectl exec -n ${namespace} ${pod} -- bin/bookkeeper shell`;
}
