import type * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../model/clusterRef.ts";
import type { TlsIssuer } from "../model/tlsSettings.ts";
import { CheckedTlsSecrets } from "../resources/kubernetes/tlsSecrets.ts";
import { CertManagerTls, type CertManagerTlsArgs } from "./certManagerTls.ts";
import { PulsarTls, type PulsarTlsArgs } from "./pulsarTls.ts";

export interface IssuedTlsArgs extends PulsarTlsArgs, Partial<Pick<CertManagerTlsArgs, "certManager">> {
  /** False: no certificates, and all connections are in plain text. */
  enabled: boolean;
  issuer: TlsIssuer;
  /** The Kubernetes cluster, for issuers other than the stack. */
  cluster: ClusterRef;
}

/** The certificates of the issuer in the settings. Undefined without TLS. */
export function issuedTls(
  name: string,
  args: IssuedTlsArgs,
  opts: pulumi.ComponentResourceOptions,
): PulsarTls | CertManagerTls | CheckedTlsSecrets | undefined {
  const { enabled, issuer, certManager } = args;
  if (!enabled) return undefined;
  // Not a Kubernetes object, so it has another provider.
  if (issuer === "secrets") return new CheckedTlsSecrets(name, args, { dependsOn: opts.dependsOn });
  return certManager === undefined
    ? new PulsarTls(name, args, opts)
    : new CertManagerTls(name, { ...args, certManager }, opts);
}
