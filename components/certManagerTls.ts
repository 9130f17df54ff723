import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import * as pulumi from "@pulumi/pulumi";
import type { Installation } from "../model/charts/names.ts";
import type { ClusterRef } from "../model/clusterRef.ts";
import {
  alternativeNames,
  certificateNames,
  organizationalUnit,
  tlsComponents,
  type TlsSecrets,
  tlsSecrets,
} from "../model/tls.ts";
import { certificateKind, ofKind } from "../resources/kubernetes/requiredKind.ts";
import { refuseOwnSecrets } from "../resources/kubernetes/tlsSecrets.ts";
import type { CertificateEnd } from "./pulsarTls.ts";

export interface CertManagerTlsArgs {
  /** Namespace of the Certificates and their Secrets. */
  namespace: pulumi.Input<string>;
  /** The certificates and Secrets are named after it. */
  installation: Installation;
  /** More host names and IP addresses in the proxies' certificate. */
  hosts: string[];
  /** The issuer. The Secrets that it fills must contain `ca.crt`: those of ACME issuers do not. */
  certManager: { issuer: string; kind: "Issuer" | "ClusterIssuer" };
  /** A change of the number restarts the pods. cert-manager renews the certificates without it. */
  generation: number;
  /** The Kubernetes cluster, which must have the kind Certificate. */
  cluster: ClusterRef;
}

/**
 * A Certificate of cert-manager for each component. cert-manager creates the Secrets that the charts mount (see `TlsSecrets`), and renews them.
 *
 * Create it before the release: a cluster without cert-manager then fails the `up` before anything is installed.
 */
export class CertManagerTls extends pulumi.ComponentResource {
  readonly secrets: TlsSecrets;
  /** Identifies issuer and generation, because only cert-manager knows the certificates. */
  readonly fingerprint: pulumi.Output<string>;
  /** Only cert-manager knows it. */
  readonly caCertificate = undefined;
  /** Only cert-manager knows them. */
  readonly ends: CertificateEnd[] = [];

  constructor(name: string, args: CertManagerTlsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:CertManagerTls", name, {}, opts);
    const { installation, namespace, cluster } = args;
    const { release } = installation;
    this.secrets = tlsSecrets(release);
    this.fingerprint = pulumi.output(`${args.certManager.kind} ${args.certManager.issuer} ${args.generation}`);
    const refuseOwn = new pulumi.ResourceHook("refuse-own-secrets", () => refuseOwnSecrets(args), { onDryRun: true });
    const create = ofKind(cluster, certificateKind, refuseOwn);
    const certificate = (suffix: string, secretName: string, names: string[]) => {
      create(
        (options) =>
          new CustomResource(
            `${name}-${suffix}`,
            {
              apiVersion: "cert-manager.io/v1",
              kind: "Certificate",
              metadata: { name: secretName, namespace },
              spec: {
                secretName,
                commonName: `${release} ${suffix}`,
                subject: { organizations: [installation.namespace], organizationalUnits: [organizationalUnit] },
                ...alternativeNames(names),
                usages: ["digital signature", "key encipherment", "server auth", "client auth"],
                // Pulsar 2.7 reads RSA keys only, in PKCS#8.
                privateKey: { algorithm: "RSA", size: 2048, encoding: "PKCS8", rotationPolicy: "Always" },
                // Key `tls-combined.pem`, which ZooKeeper reads.
                additionalOutputFormats: [{ type: "CombinedPEM" }],
                issuerRef: { group: "cert-manager.io", kind: args.certManager.kind, name: args.certManager.issuer },
              },
            },
            { parent: this, ...options },
          ),
      );
    };
    // The charts read only `ca.crt` of this Secret. cert-manager writes it beside a certificate.
    certificate("ca", this.secrets.ca, [this.secrets.ca]);
    for (const component of tlsComponents) {
      const names = certificateNames(installation, component, args.hosts);
      certificate(component, this.secrets.components[component], names);
    }
    this.registerOutputs({ secrets: this.secrets });
  }
}
