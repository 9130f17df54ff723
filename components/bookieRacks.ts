import * as pulumi from "@pulumi/pulumi";
import type { SecretRef } from "../model/charts/cluster.ts";
import { bookieId } from "../model/charts/names.ts";
import { stackJob, type StackJobPlace } from "./stackJob.ts";

export interface BookieRacksArgs extends StackJobPlace {
  /** DNS domain of the Kubernetes cluster. */
  clusterDomain: string;
  /** The rack of each bookie by ordinal, from `bookieRacks`, for example "/rack1". A change registers the racks again; no data moves. */
  racks: string[];
  /** Address of the admin API inside the cluster. */
  adminUrl: pulumi.Input<string>;
  /** The token of a super user. */
  token: SecretRef;
  /** The CAs that issue the cluster's certificates. @default the cluster has no TLS */
  ca?: SecretRef | undefined;
}

/**
 * A Job that registers the rack of each bookie, so that the copies of a ledger are spread over racks. Without it all bookies are in one rack:
 * neither chart sets racks. It runs after the release is deployed, and again when a rack changes or a bookie joins; setting a rack twice is
 * harmless. Kubernetes retries it, because concurrent writes to the shared list of racks conflict.
 */
export class BookieRacks extends pulumi.ComponentResource {
  constructor(name: string, args: BookieRacksArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:BookieRacks", name, {}, opts);
    const { racks, clusterDomain, adminUrl, token, ca, ...place } = args;
    const commands = pulumi
      .output(args.namespace)
      .apply((namespace) =>
        racks
          .map((rack, ordinal) => setRack(bookieId({ release: args.release, namespace, clusterDomain }, ordinal), rack))
          .join("\n"),
      );
    stackJob(
      `${name}-job`,
      {
        ...place,
        task: "bookie-racks",
        script: pulumi.interpolate`set -e\n${commands}`,
        env: { ADMIN_URL: adminUrl },
        ca,
        secrets: [{ secret: token.secret, folder: "/pulsar/tokens/client", files: { [token.key]: "token" } }],
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

function setRack(bookie: string, rack: string): string {
  const client =
    'bin/pulsar-admin --admin-url "$ADMIN_URL" --auth-plugin org.apache.pulsar.client.impl.auth.AuthenticationToken ' +
    "--auth-params file:///pulsar/tokens/client/token";
  const host = bookie.slice(0, bookie.lastIndexOf(":"));
  return `${client} bookies set-bookie-rack --bookie ${bookie} --hostname ${host} --group default --rack ${rack}`;
}
