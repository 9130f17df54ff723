import { type Fault, keyOf } from "./faults.ts";
import { isProduction, ingressOf } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/** What network policies would shut out although another setting wants it in, and what is said of policies that there are not. */
export function networkFaults(settings: Partial<Parsed>): Fault[] {
  const { layout, monitoring, ingress, networkPolicies } = settings;
  if (layout === undefined || networkPolicies === undefined || !("environment" in settings)) return [];
  const faults: Fault[] = [];
  const add = (key: string, found: string, allowed: string) =>
    faults.push({ key: keyOf(["networkPolicies", key]), found, allowed });

  const { enabled = isProduction({ layout, environment: settings.environment }), ...letIn } = networkPolicies;
  if (!enabled) {
    // The others only let somebody in, who then gets in anyway.
    if (letIn.clients !== undefined) {
      add(
        "clients",
        JSON.stringify(letIn.clients),
        "nothing, or pulsar:networkPolicies.enabled true: without policies it shuts nobody out",
      );
    }
    return faults;
  }
  if (monitoring?.podMonitors && letIn.monitoring === undefined) {
    add(
      "monitoring",
      "nothing, so Prometheus could not reach what pulsar:monitoring.podMonitors has it ask",
      "the namespace that Prometheus runs in, or pulsar:networkPolicies.enabled false",
    );
  }
  if (ingress !== undefined && ingressOf({ ingress }) !== undefined && letIn.ingressController === undefined) {
    add(
      "ingressController",
      "nothing, so nobody would get through the Ingresses of pulsar:ingress",
      "the namespace that the ingress controller runs in, or pulsar:networkPolicies.enabled false",
    );
  }
  return faults;
}
