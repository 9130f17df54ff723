import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { SecretRef } from "../model/charts/cluster.ts";
import type { ServiceAddresses } from "./pulsarRelease.ts";
import { stackJob, type StackJobPlace } from "./stackJob.ts";

export interface SmokeTestArgs extends StackJobPlace {
  /** Addresses of the proxy inside the cluster. */
  addresses: pulumi.Input<Pick<ServiceAddresses, "proxy" | "admin">>;
  /** The token of a super user. */
  token: SecretRef;
  /** The CAs that issue the cluster's certificates. @default the cluster has no TLS */
  ca?: SecretRef | undefined;
  /** Change with what restarts brokers or proxies: the release, the key of the tokens, the certificates. The test runs again when one changes. */
  revisions: pulumi.Input<string | undefined>[];
}

const script = readFileSync(new URL("scripts/smokeTest.sh", import.meta.url), "utf8");

/**
 * A Job that tests the cluster: it creates `test-tenant/test-ns/test-topic`, sends messages to each partition and consumes all of them, and checks
 * that a missing and a wrong token are rejected. With TLS, it checks too that a certificate of another CA is not trusted and that the proxies' Service has
 * no port for plain text. It runs again when one of `revisions` changes. If it fails, `up` fails with the reason in the last line.
 */
export class SmokeTest extends pulumi.ComponentResource {
  constructor(name: string, args: SmokeTestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:SmokeTest", name, {}, opts);
    const { addresses, token, ca, revisions, ...place } = args;
    const { proxy, admin } = pulumi.output(addresses);
    const folder = "/pulsar/tokens/client";
    stackJob(
      `${name}-job`,
      {
        ...place,
        task: "smoke-test",
        script,
        env: {
          ADMIN_URL: admin,
          SERVICE_URL: proxy,
          TOKEN_FILE: `${folder}/token`,
          // The ports of the Service without TLS (charts 2.7.7 and 4.7.0).
          ...(ca && { PLAIN_PORTS: "80 6650" }),
        },
        ca,
        secrets: [{ secret: token.secret, folder, files: { [token.key]: "token" } }],
        run: pulumi.all(revisions).apply((all) => all.filter((one) => one !== undefined).join(" ")),
        // The test itself waits for the proxy. This retry is for a lost node.
        retries: 1,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
