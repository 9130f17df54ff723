import type { Add } from "./faults.ts";
import type { Settings } from "./resolve.ts";

/** Settings that need a connection which the network policies would block, and settings of policies that do not exist. */
export function networkFaults({ networkPolicies, monitoring, ingress }: Settings, addFault: Add) {
  const add = (key: string, problem: string, remedy: string) => {
    addFault(["networkPolicies", key], problem, remedy);
  };
  if (!networkPolicies.enabled) {
    // The other peers only gain access, which everybody has without policies.
    if (networkPolicies.clients !== undefined) {
      add(
        "clients",
        `${JSON.stringify(networkPolicies.clients)} has no effect without network policies`,
        "remove it, or set pulsar:networkPolicies.enabled to true",
      );
    }
    return;
  }
  if (monitoring.podMonitors && networkPolicies.monitoring === undefined) {
    add(
      "monitoring",
      "is not set, so Prometheus could not reach the pods of pulsar:monitoring.podMonitors",
      "set the namespace that Prometheus runs in, or set pulsar:networkPolicies.enabled to false",
    );
  }
  if (ingress !== undefined && networkPolicies.ingressController === undefined) {
    add(
      "ingressController",
      "is not set, so the Ingress controller could not reach what pulsar:ingress exposes",
      "set the namespace that the Ingress controller runs in, or set pulsar:networkPolicies.enabled to false",
    );
  }
}
