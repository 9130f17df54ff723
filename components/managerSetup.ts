import { readFileSync } from "node:fs";
import { Secret } from "@pulumi/kubernetes/core/v1/secret.js";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { base64, keyedHash } from "../model/encoding.ts";
import { fullName } from "../model/charts/names.ts";
import { stackJob, type StackJobPlace } from "./stackJob.ts";

export interface ManagerSetupArgs extends StackJobPlace {
  /** Address of the manager inside the cluster, without a path. */
  managerUrl: pulumi.Input<string>;
  /** The login to the manager. The password is secret. A changed password is only checked: the manager has no API to change it. */
  login: { user: string; password: pulumi.Input<string> };
  /** Whether the brokers' HTTP port has TLS. A change registers the cluster once more, under its new address. @default false */
  tls?: boolean;
}

/**
 * A Job that creates the login to Pulsar Manager and registers the cluster there. It is for chart 2.7.7, which does neither; charts from 3.3.0
 * have a Job of their own. It runs after the release is deployed, and again when the login changes; it leaves an existing login or cluster
 * as it is.
 *
 * It uses Pulsar's image, because the manager's (v0.2.0) has no `curl`.
 */
export class ManagerSetup extends pulumi.ComponentResource {
  constructor(name: string, args: ManagerSetupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:ManagerSetup", name, {}, opts);
    const { managerUrl, login, tls: encrypted = false, ...place } = args;
    const { user } = login;
    const cluster = clusterEntry(args.release, encrypted);

    const secretName = `${fullName(args.release)}-manager-setup`;
    const requests = new Secret(
      `${name}-requests`,
      {
        metadata: { name: secretName, namespace: args.namespace },
        type: "Opaque",
        data: pulumi.secret(login.password).apply((password) => ({
          "login.json": json({ username: user, password }),
          "superuser.json": json({
            name: user,
            password,
            description: "made by the stack",
            email: `${user}@example.com`,
          }),
          "environment.json": json(cluster),
        })),
      },
      { parent: this },
    );

    // The Job's name contains a hash of the password, so the hash needs a secret key: anybody who can list Jobs could otherwise test guesses.
    const seal = new tls.PrivateKey(`${name}-seal`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, { parent: this });

    const folder = "/manager-setup";
    const files = Object.fromEntries(["login.json", "superuser.json", "environment.json"].map((file) => [file, file]));
    stackJob(
      `${name}-job`,
      {
        ...place,
        task: "manager-setup",
        script,
        env: {
          MANAGER_URL: managerUrl,
          MANAGER_USER: user,
          BROKER_URL: cluster.broker,
          REQUESTS: folder,
          START_SECONDS: "240",
          CLUSTER_SECONDS: "180",
          PAUSE_SECONDS: "5",
        },
        secrets: [{ secret: secretName, folder, files }],
        run: pulumi.unsecret(
          pulumi
            .all([seal.privateKeyPem, login.password])
            .apply(([key, password]) => keyedHash(key, JSON.stringify([script, user, password, cluster]))),
        ),
        // The script retries what can succeed later. This retry is for a lost node.
        retries: 1,
      },
      { parent: this, dependsOn: requests, customTimeouts: { create: "25m" } },
    );
    this.registerOutputs({});
  }
}

/** The Job's script. Its first lines describe its environment. */
export const script = readFileSync(new URL("scripts/managerSetup.sh", import.meta.url), "utf8");

/**
 * The cluster as an environment of the manager, with the same name and broker address as chart 4.7.0 registers
 * (pulsar-manager-cluster-initialize.yaml). The manager's pod connects to this address.
 */
export function clusterEntry(release: string, tls: boolean): { name: string; broker: string } {
  const full = fullName(release);
  return { name: full, broker: tls ? `https://${full}-broker:8443` : `http://${full}-broker:8080` };
}

function json(body: object): string {
  return base64(JSON.stringify(body));
}
