import * as pulumi from "@pulumi/pulumi";
import type { Installation } from "../../model/charts/names.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { type TlsSecrets, tlsSecrets } from "../../model/tls.ts";
import { type SecretContent, tlsSecretFaults } from "../../model/tlsSecretFaults.ts";
import { fault } from "../kit/fault.ts";
import { storedProvider } from "../kit/storedProvider.ts";
import { answerOf, ask, type AskingOptions, type Cluster } from "./connection.ts";
import { ownerAnnotation } from "./ownership.ts";

interface Inputs {
  generation: number;
  hosts: string[];
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

/** Checks, when it is created or its generation or hosts change, the Secrets that somebody else provides; see `checkTlsSecrets`. It creates nothing. */
export class CheckedTlsSecrets extends pulumi.dynamic.Resource {
  readonly secrets: TlsSecrets;
  /** Identifies the generation, because the Secrets can change without the stack. */
  readonly fingerprint: pulumi.Output<string>;
  /** Only the Secret has it. */
  readonly caCertificate = undefined;
  /** Unknown to the stack. */
  readonly ends = [];

  constructor(name: string, args: TlsSecretsArgs, opts?: pulumi.CustomResourceOptions) {
    const hook = new pulumi.ResourceHook("check-tls-secrets", () => checkTlsSecrets(args), { onDryRun: true });
    const hooks = { beforeCreate: [hook], beforeUpdate: [hook] };
    const { generation, hosts } = args;
    super(tlsSecretsProvider, name, { generation, hosts }, { ...opts, hooks }, "pulsar", "CheckedTlsSecrets");
    this.secrets = tlsSecrets(args.installation.release);
    this.fingerprint = pulumi.output(`secrets ${args.generation}`);
  }
}

/**
 * Refuses Secrets that Pulsar could not use. A preview need not reach the cluster: see `answerOf`.
 * @throws Error with a line for each fault; or of one line that says why the cluster could not be queried
 */
export async function checkTlsSecrets(args: TlsSecretsArgs, options?: AskingOptions): Promise<void> {
  const { cluster, installation, hosts } = args;
  const found = await answerOf(cluster, (live) => query(live, installation), options);
  if (found === undefined) return;
  const { ca, components } = tlsSecrets(installation.release);
  const owned = [ca, ...Object.values(components)].filter((name) => found.owned.has(name));
  const lines =
    owned.length > 0
      ? [
          `${owned.join(", ")}: the stack has created them, and would delete them; return to plain text first (docs/operations/enable-tls.md)`,
        ]
      : tlsSecretFaults(found.contents, installation, hosts, new Date());
  if (lines.length === 0) return;
  throw fault(
    [
      `the Secrets for TLS in namespace ${installation.namespace} (pulsar:tls.issuer is secrets) cannot be used:`,
      ...lines.map((line) => `  - ${line}`),
      "Nothing was changed.",
    ].join("\n"),
  );
}

/** The Secrets of the namespace by name, and the names of those that a stack has created. */
async function query(cluster: Cluster, { namespace }: Installation) {
  const { items } = await ask(cluster, (api) => api.listNamespacedSecret({ namespace }));
  const owned = new Set<string>();
  const contents = new Map<string, SecretContent>();
  for (const { metadata: { name = "", annotations } = {}, data = {} } of items) {
    if (annotations?.[ownerAnnotation] !== undefined) owned.add(name);
    const decoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]);
    contents.set(name, Object.fromEntries(decoded) as SecretContent);
  }
  return { owned, contents };
}
