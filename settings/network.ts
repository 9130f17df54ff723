import { type Fault, keyOf } from "./faults.ts";
import { isProduction, ingressOf } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/** What network policies would shut out although another setting wants it in, and what is said of policies that there are not. */
export function networkFaults(settings: Partial<Parsed>): Fault[] {
  const { layout, monitoring, ingress, networkPolicies } = settings;
  if (layout === undefined || networkPolicies === undefined || !("environment" in settings)) return [];
  const faults: Fault[] = [];
  const add = (key: string, problem: string, remedy: string) =>
    faults.push({ key: keyOf(["networkPolicies", key]), problem, remedy });

  const { enabled = isProduction({ layout, environment: settings.environment }), ...letIn } = networkPolicies;
  if (!enabled) {
    // The others only let somebody in, who then gets in anyway.
    if (letIn.clients !== undefined) {
      add(
        "clients",
        `${JSON.stringify(letIn.clients)} has no effect without network policies`,
        "remove it, or set pulsar:networkPolicies.enabled to true",
      );
    }
    return faults;
  }
  if (monitoring?.podMonitors && letIn.monitoring === undefined) {
    add(
      "monitoring",
      "is not set, so Prometheus could not reach the pods of pulsar:monitoring.podMonitors",
      "set the namespace that Prometheus runs in, or set pulsar:networkPolicies.enabled to false",
    );
  }
  if (ingress !== undefined && ingressOf({ ingress }) !== undefined && letIn.ingressController === undefined) {
    add(
      "ingressController",
      "is not set, so the Ingress controller could not reach what pulsar:ingress exposes",
      "set the namespace that the Ingress controller runs in, or set pulsar:networkPolicies.enabled to false",
    );
  }
  return faults;
}
