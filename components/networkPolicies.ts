import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { fullName } from "../model/charts/names.ts";
import { type FlowLine, flowsOf, componentsOf } from "../model/network/flows.ts";
import { policiesOf, type NetworkAccess } from "../model/network/policies.ts";
import { jobLabels } from "./stackJob.ts";

export interface NetworkPoliciesArgs {
  namespace: pulumi.Input<string>;
  /** Helm release whose pods they are for. */
  release: string;
  /** Chart line of the release: its pods' ports, and what runs. */
  line: FlowLine;
  /** Who is allowed in from outside the stack. A change applies to new connections. */
  access: NetworkAccess;
}

/**
 * Who may talk to whom, as a NetworkPolicy for each component (docs/network.md). They only hold where the cluster's network plugin enforces
 * them.
 *
 * They go before the release: they know pods by labels, so none need be there, and no pod ever runs without them. What they lack then
 * shows in a first install, not in a restart long after. For the same reason they go after it when all is taken down.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
  constructor(
    name: string,
    { namespace, release, line, access }: NetworkPoliciesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("pulsar:components:NetworkPolicies", name, {}, opts);
    for (const [component, spec] of policiesOf(release, componentsOf(line), flowsOf(line), access)) {
      new k8s.networking.v1.NetworkPolicy(
        `${name}-${component}`,
        {
          metadata: { name: `${fullName(release)}-${component}`, namespace, labels: jobLabels(release, component) },
          spec,
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
