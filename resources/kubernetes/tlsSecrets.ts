import * as pulumi from "@pulumi/pulumi";
import type { Installation } from "../../model/charts/names.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { type TlsSecrets, tlsSecrets } from "../../model/tls.ts";
import { type SecretContent, tlsSecretFaults } from "../../model/tlsSecretFaults.ts";
import { fault } from "../kit/fault.ts";
import { storedProvider } from "../kit/storedProvider.ts";
import { answerInPreview, ask, type Cluster, connect } from "./connection.ts";

interface Inputs {
  generation: number;
}

/** What the Secrets must fit. */
export interface TlsSecretsArgs {
  cluster: ClusterRef;
  installation: Installation;
  /** More host names and IP addresses in the proxies' certificate. */
  hosts: string[];
  /** Another number checks the Secrets again. */
  generation: number;
}

export const tlsSecretsProvider = storedProvider<Inputs, Inputs>("./resources/kubernetes/tlsSecretsProvider.ts");

/** Checks, when it is created or its generation changes, the Secrets that somebody else provides; see `checkTlsSecrets`. It creates nothing. */
export class CheckedTlsSecrets extends pulumi.dynamic.Resource {
  readonly secrets: TlsSecrets;
  /** Identifies the generation, because the Secrets can change without the stack. */
  readonly fingerprint: pulumi.Output<string>;
  /** Only the Secret has it. */
  readonly caCertificate = undefined;
  /** Unknown to the stack. */
  readonly ends = [];

  constructor(name: string, args: TlsSecretsArgs, opts?: pulumi.CustomResourceOptions) {
    const check = () => (pulumi.runtime.isDryRun() ? previewTlsSecrets(args) : checkTlsSecrets(args));
    const hook = new pulumi.ResourceHook("check-tls-secrets", check, { onDryRun: true });
    const hooks = { beforeCreate: [hook], beforeUpdate: [hook] };
    super(tlsSecretsProvider, name, { generation: args.generation }, { ...opts, hooks }, "pulsar", "CheckedTlsSecrets");
    this.secrets = tlsSecrets(args.installation.release);
    this.fingerprint = pulumi.output(`secrets ${args.generation}`);
  }
}

/** As `checkTlsSecrets`, but a preview need not reach the cluster: see `answerInPreview`. */
export async function previewTlsSecrets(args: TlsSecretsArgs): Promise<void> {
  const found = await answerInPreview(args.cluster, (cluster) => query(cluster, args));
  if (found !== undefined) refuseFaults(found, args);
}

/**
 * Refuses Secrets that Pulsar could not use.
 * @throws Error with a line for each fault; or of one line that says why the cluster could not be queried
 */
export async function checkTlsSecrets(args: TlsSecretsArgs): Promise<void> {
  refuseFaults(await query(await connect(args.cluster), args), args);
}

type Found = ReadonlyMap<string, SecretContent>;

async function query(cluster: Cluster, { installation: { namespace } }: TlsSecretsArgs): Promise<Found> {
  const { items } = await ask(cluster, (api) => api.listNamespacedSecret({ namespace }));
  return new Map(
    items.map(({ metadata, data = {} }) => [
      metadata?.name ?? "",
      Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()])),
    ]),
  );
}

function refuseFaults(found: Found, { installation, hosts }: TlsSecretsArgs): void {
  const lines = tlsSecretFaults(found, installation, hosts, new Date());
  if (lines.length === 0) return;
  throw fault(
    [
      `the Secrets for TLS in namespace ${installation.namespace} (pulsar:tls.issuer is secrets) cannot be used:`,
      ...lines.map((line) => `  - ${line}`),
      "Nothing was changed.",
    ].join("\n"),
  );
}
