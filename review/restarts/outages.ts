/** What clients and operators notice while pods restart. */
import { quorumOf } from "../../rehearsal/failures/survival.ts";
import type { StackPlan } from "../plan.ts";
import type { Sequence } from "./forecast.ts";

/** One line for each component that is unavailable or reduced while the pods of a phase restart. A pod that starts or stops is no outage. */
export function outagesOf(sequences: readonly Sequence[], plan: StackPlan): string[] {
  return sequences
    .filter(({ pods }) => pods.some(({ effect }) => effect === "restarts"))
    .flatMap((sequence) => outageOf(sequence, plan) ?? []);
}

function outageOf({ component, replicas, together }: Sequence, plan: StackPlan): string | undefined {
  const running = together ? 0 : replicas - 1;
  const left = `${running === 0 ? "none" : running} of ${replicas}`;
  switch (component) {
    case "zookeeper":
      return running > replicas / 2
        ? `ZooKeeper keeps its majority: ${left} run while one restarts`
        : `ZooKeeper has no majority while a pod restarts (${left} run): brokers and bookies wait for it`;
    case "bookie": {
      const { ensemble } = quorumOf(brokerConfiguration(plan));
      return running >= ensemble
        ? `bookies: ${left} run while one restarts, and a new ledger needs ${ensemble}: writing goes on`
        : `bookies: ${left} run while one restarts, and a new ledger needs ${ensemble}: a topic that needs a new ledger is not writable until the bookie is back`;
    }
    case "broker":
      return running > 0
        ? `brokers: ${left} run while one restarts; its topics move to the others, and their clients reconnect`
        : "no broker runs: no topic is served until one is ready again";
    case "proxy":
      return running > 0
        ? `proxies: ${left} run while one restarts; its clients reconnect`
        : "no proxy runs: clients that connect through it are cut off until one is ready again";
    case "recovery":
      return running > 0 ? undefined : "autorecovery: under-replicated ledgers are not copied meanwhile";
    case "pulsar-manager":
      return "Pulsar Manager does not answer meanwhile; clients do not use it";
    default:
      return undefined;
  }
}

function brokerConfiguration({ objects }: StackPlan): Record<string, string> {
  const maps = objects.filter(({ kind, metadata }) => kind === "ConfigMap" && metadata.labels?.component === "broker");
  return Object.assign({}, ...maps.map(({ data }) => data)) as Record<string, string>;
}
