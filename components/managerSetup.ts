import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { base64, keyedHash } from "../model/encoding.ts";
import { fullName } from "../model/charts/names.ts";
import { stackJob, type StackJobPlace } from "./stackJob.ts";

export interface ManagerSetupArgs extends StackJobPlace {
  /** Address of the manager's page inside the cluster, without a path. */
  managerUrl: pulumi.Input<string>;
  /** Whom people log in to the manager as. The password is secret. Another one is not set in the manager, which cannot; it is tried. */
  login: { user: string; password: pulumi.Input<string> };
}

/**
 * Makes the login to Pulsar Manager and registers the cluster there, so that the first who logs in sees it. For chart 2.7.7, which does neither;
 * charts from 3.3.0 on have a Job of their own for it. A Job that runs once the release is up, and again when the login changes; where login and
 * cluster are there already, it only sees that they are.
 *
 * Its image is Pulsar's, which has `curl`: it is among the packages that apache/pulsar's docker/pulsar/Dockerfile installs (2.5 to 4.0), and
 * the init Job of chart 4.7.0 uses it. The manager's own (v0.2.0, on Alpine) does not install it.
 */
export class ManagerSetup extends pulumi.ComponentResource {
  constructor(name: string, args: ManagerSetupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:ManagerSetup", name, {}, opts);
    const { managerUrl, login, ...place } = args;
    const { user } = login;
    const cluster = clusterEntry(args.release);

    const secretName = `${fullName(args.release)}-manager-setup`;
    const requests = new k8s.core.v1.Secret(
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

    // A number that stays and nobody can guess. The Job's name tells one password from another, and anyone who may list Jobs could try guesses
    // against the password's own hash.
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
        // The script itself tries again where that helps; once more is for a node that is lost.
        retries: 1,
      },
      { parent: this, dependsOn: requests, customTimeouts: { create: "25m" } },
    );
    this.registerOutputs({});
  }
}

/** The Job's script; what it takes is in its head. */
export const script = readFileSync(new URL("scripts/managerSetup.sh", import.meta.url), "utf8");

/**
 * What the manager calls an environment: the cluster, under the name and with the address of the brokers that chart 4.7.0 registers it by
 * (pulsar-manager-cluster-initialize.yaml). The manager calls the brokers itself, from its pod.
 */
export function clusterEntry(release: string): { name: string; broker: string } {
  const full = fullName(release);
  return { name: full, broker: `http://${full}-broker:8080` };
}

function json(body: object): string {
  return base64(JSON.stringify(body));
}
