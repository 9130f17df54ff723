import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/networkPolicy.js";
import * as pulumi from "@pulumi/pulumi";
import { podLabels } from "../model/charts/cluster.ts";
import { fullName } from "../model/charts/names.ts";
import { type FlowLine, flowsOf, componentsOf } from "../model/network/flows.ts";
import type { TlsSecrets } from "../model/tls.ts";
import { policiesOf, type NetworkAccess } from "../model/network/policies.ts";

export interface NetworkPoliciesArgs {
  namespace: pulumi.Input<string>;
  /** Helm release whose pods the policies select. */
  release: string;
  /** Chart line of the release: which components run, and their ports. */
  line: FlowLine;
  /** With TLS, other ports are open. @default without TLS */
  tls?: TlsSecrets | undefined;
  /** Who may connect from outside the stack. A change applies to new connections. */
  access: NetworkAccess;
}

/**
 * A NetworkPolicy for each component (docs/network.md). The cluster's network plugin must enforce network policies.
 *
 * Create it before the release, so that no pod ever runs without its policy, and a missing rule shows at the first install instead of at a
 * later restart.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
  constructor(
    name: string,
    { namespace, release, line, tls, access }: NetworkPoliciesArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("pulsar:components:NetworkPolicies", name, {}, opts);
    for (const [component, spec] of policiesOf(release, componentsOf(line), flowsOf(line, tls !== undefined), access)) {
      new NetworkPolicy(
        `${name}-${component}`,
        {
          metadata: { name: `${fullName(release)}-${component}`, namespace, labels: podLabels(release, component) },
          spec,
        },
        { parent: this },
      );
    }
    this.registerOutputs({});
  }
}
