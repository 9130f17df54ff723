import type { V1Secret } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import type { Installation } from "../../model/charts/names.ts";
import type { ClusterRef } from "../../model/clusterRef.ts";
import { type TlsSecrets, tlsSecrets } from "../../model/tls.ts";
import { type SecretContent, tlsSecretFaults } from "../../model/tlsSecretFaults.ts";
import { fault, refusalOf } from "../kit/fault.ts";
import { storedProvider } from "../kit/storedProvider.ts";
import { answerOf, ask, type AskingOptions, type Cluster, unlessMissing } from "./connection.ts";
import { ownerAnnotation } from "./ownership.ts";
import type { Inputs } from "./tlsSecretsProvider.ts";

/** What the Secrets must fit. */
interface TlsSecretsArgs extends Inputs {
  cluster: ClusterRef;
  installation: Installation;
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
  const owned = ownedFaults(found);
  const contents = new Map(found.map((secret) => [nameOf(secret), contentOf(secret)]));
  const lines = owned.length > 0 ? owned : tlsSecretFaults(contents, installation, hosts, new Date());
  if (lines.length === 0) return;
  const title = `the Secrets for TLS in namespace ${installation.namespace} (pulsar:tls.issuer is secrets) cannot be used:`;
  throw fault(refusalOf(title, lines));
}

/**
 * Refuses Secrets of the stack, which it would delete after another issuer has filled them. A preview need not reach the cluster: see `answerOf`.
 * @throws Error of one line that names them, or says why the cluster could not be queried
 */
export async function refuseOwnSecrets(
  { cluster, installation }: Pick<TlsSecretsArgs, "cluster" | "installation">,
  options?: AskingOptions,
): Promise<void> {
  const found = await answerOf(cluster, (live) => query(live, installation), options);
  for (const line of ownedFaults(found ?? [])) throw fault(`pulsar:tls.issuer cannot change while TLS is on: ${line}`);
}

function ownedFaults(found: readonly V1Secret[]): string[] {
  const owned = found.filter(({ metadata }) => metadata?.annotations?.[ownerAnnotation] !== undefined).map(nameOf);
  return owned.length === 0
    ? []
    : [
        `${owned.join(", ")}: the stack has created them, and would delete them; return to plain text first (docs/operations/enable-tls.md)`,
      ];
}

/** Those of the Secrets that exist. */
async function query(cluster: Cluster, { release, namespace }: Installation): Promise<V1Secret[]> {
  const { ca, components } = tlsSecrets(release);
  const read = async (name: string) =>
    ask(cluster, (api) => api.readNamespacedSecret({ name, namespace })).catch(unlessMissing);
  const found = await Promise.all([ca, ...Object.values(components)].map(read));
  return found.filter((secret) => secret !== undefined);
}

const nameOf = ({ metadata }: V1Secret) => metadata?.name ?? "";

const contentOf = ({ data = {} }: V1Secret): SecretContent =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
