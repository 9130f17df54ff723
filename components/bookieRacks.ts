import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { SecretRef } from "./charts/cluster.ts";
import { bookieId, fullName } from "./charts/names.ts";
import { shortHash } from "./hash.ts";
import type { Placement, StackNode } from "./layouts/layout.ts";

/** The rack of each bookie by ordinal, `/` before its name; undefined where the nodes have neither rack nor zone. */
export function bookieRacks({ replicas, nodes }: Placement, all: readonly StackNode[]): string[] | undefined {
  const racks = nodes.slice(0, replicas).map((name) => {
    const node = all.find((other) => other.name === name);
    return node?.rack ?? node?.zone;
  });
  if (racks.includes(undefined)) return undefined;
  return racks.map((rack = "") => (rack.startsWith("/") ? rack : `/${rack}`));
}

export interface BookieRacksArgs {
  namespace: pulumi.Input<string>;
  /** Helm release whose bookies are meant. */
  release: string;
  /** By ordinal, from `bookieRacks`. */
  racks: string[];
  /** Address of the admin API inside the cluster. */
  adminUrl: pulumi.Input<string>;
  /** The token of a super user. */
  token: SecretRef;
  /** Image with bin/pulsar-admin. */
  image: string;
  pullSecret?: string;
  /** Where the Job may run. */
  placement: Placement;
}

/**
 * Tells the cluster which rack each bookie is in, so that the copies of a ledger are spread over racks: without, all bookies are in one
 * (neither chart knows racks). A Job that runs once the release is up, and again when a rack changes or a bookie joins; setting a rack twice
 * is harmless.
 */
export class BookieRacks extends pulumi.ComponentResource {
  constructor(name: string, args: BookieRacksArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:BookieRacks", name, {}, opts);
    const full = fullName(args.release);
    const commands = pulumi
      .output(args.namespace)
      .apply((namespace) =>
        args.racks.map((rack, ordinal) => setRack(bookieId(args.release, namespace, ordinal), rack)).join("\n"),
      );
    const spec = {
      restartPolicy: "Never",
      nodeSelector: args.placement.nodeSelector,
      tolerations: args.placement.tolerations,
      imagePullSecrets: args.pullSecret === undefined ? undefined : [{ name: args.pullSecret }],
      automountServiceAccountToken: false,
      containers: [
        {
          name: "racks",
          image: args.image,
          command: ["sh", "-c"],
          args: [pulumi.interpolate`set -e\n${commands}`],
          // The token is in a file and in nobody's command line.
          env: [{ name: "ADMIN_URL", value: args.adminUrl }],
          volumeMounts: [{ name: "token", mountPath: "/pulsar/tokens/client", readOnly: true }],
        },
      ],
      volumes: [
        { name: "token", secret: { secretName: args.token.secret, items: [{ key: args.token.key, path: "token" }] } },
      ],
    };
    new k8s.batch.v1.Job(
      `${name}-job`,
      {
        // Named after what it does: a Job's template is immutable, and one that is done is no reason to wait.
        metadata: { name: `${full}-bookie-racks-${shortHash(args.racks.join())}`, namespace: args.namespace },
        // The proxy answers a little after it is ready, and two writers of the one rack list refuse each other.
        spec: { backoffLimit: 6, template: { spec } },
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
