import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { Installation } from "../model/charts/names.ts";
import { base64, shortHash } from "../model/encoding.ts";
import {
  alternativeNames,
  certificateNames,
  organizationalUnit,
  type TlsComponent,
  tlsComponents,
  type TlsSecrets,
  tlsSecrets,
} from "../model/tls.ts";
import { opaqueSecret } from "./opaqueSecret.ts";

export interface PulsarTlsArgs {
  /** Namespace of the Secrets. */
  namespace: pulumi.Input<string>;
  /** The certificates and Secrets are named after it. */
  installation: Installation;
  /** More host names and IP addresses in the proxies' certificate. */
  hosts: string[];
  /** Number of the components' keys and certificates, from 1. Increasing it creates new ones. */
  generation: number;
  /** Number of the CA that signs the certificates. One of `trusted`. */
  authority: number;
  /** Numbers of the CAs that every component trusts. A CA exists as long as its number is in the list. */
  trusted: number[];
  /** How long a certificate is valid after it is signed. */
  lifetimeDays: number;
  /** How long a CA's certificate is valid after it is created. */
  authorityLifetimeDays: number;
  /** Whether the engine refuses to delete the key of the CA that signs, including on `destroy`. @default false */
  protect?: boolean;
}

/** A certificate and its end. */
export interface CertificateEnd {
  /** Such as "the certificate of broker". */
  what: string;
  /** RFC 3339. A preview knows that of a certificate that it does not replace. */
  end: pulumi.Output<string>;
  /** The file in docs/operations that says how to renew it. */
  runbook: string;
}

/**
 * CAs and the components' certificates, in the Secrets that the charts mount (see `TlsSecrets`). Each certificate is for the names of the
 * component's Services and pods, and for both ends of a connection.
 */
export class PulsarTls extends pulumi.ComponentResource {
  readonly secrets: TlsSecrets;
  /** A hash of all certificates: it changes with any of them. Not secret. */
  readonly fingerprint: pulumi.Output<string>;
  /** The certificates of the trusted CAs in PEM, in the order of their numbers. Not secret. */
  readonly caCertificate: pulumi.Output<string>;
  /** The ends of all certificates. */
  readonly ends: CertificateEnd[];

  constructor(name: string, args: PulsarTlsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:PulsarTls", name, {}, opts);
    const { installation, authority, generation } = args;
    const own = { parent: this };
    // Pulsar 2.7 reads RSA keys only (SecurityUtility.loadPrivateKeyFromPemStream).
    const newKey = (keyName: string, options: pulumi.CustomResourceOptions) =>
      new tls.PrivateKey(keyName, { algorithm: "RSA", rsaBits: 2048 }, options);

    const ends: CertificateEnd[] = [];
    const authorities = new Map<number, { key: tls.PrivateKey; certificate: tls.SelfSignedCert }>();
    for (const number of [...new Set(args.trusted)].sort((a, b) => a - b)) {
      // Only the key of the CA that signs: the engine would refuse to replace a protected certificate that has ended, and with it each update.
      const key = newKey(`${name}-ca-${number}-key`, { ...own, protect: number === authority && args.protect });
      const certificate = new tls.SelfSignedCert(
        `${name}-ca-${number}`,
        {
          privateKeyPem: key.privateKeyPem,
          subject: { commonName: `${installation.release} CA ${number}`, organization: installation.namespace },
          isCaCertificate: true,
          allowedUses: ["cert_signing", "crl_signing"],
          validityPeriodHours: args.authorityLifetimeDays * 24,
        },
        own,
      );
      authorities.set(number, { key, certificate });
      ends.push({ what: `the certificate of CA ${number}`, end: certificate.validityEndTime, runbook: "rotate-ca.md" });
    }
    const signing = authorities.get(authority);
    if (signing === undefined) throw new Error(`CA ${authority} is not trusted`);
    this.caCertificate = pulumi
      .all([...authorities.values()].map(({ certificate }) => certificate.certPem))
      .apply((certificates) => certificates.join(""));

    const leaf = (component: TlsComponent) => {
      const suffix = generation === 1 ? "" : `-${generation}`;
      const key = newKey(`${name}-${component}-key${suffix}`, own);
      const request = new tls.CertRequest(
        `${name}-${component}-request${suffix}`,
        {
          privateKeyPem: key.privateKeyPem,
          subject: {
            commonName: `${installation.release} ${component}`,
            organization: installation.namespace,
            organizationalUnit,
          },
          ...alternativeNames(certificateNames(installation, component, args.hosts)),
        },
        own,
      );
      const certificate = new tls.LocallySignedCert(
        `${name}-${component}${suffix}`,
        {
          certRequestPem: request.certRequestPem,
          caCertPem: signing.certificate.certPem,
          caPrivateKeyPem: signing.key.privateKeyPem,
          allowedUses: ["digital_signature", "key_encipherment", "server_auth", "client_auth"],
          validityPeriodHours: args.lifetimeDays * 24,
        },
        own,
      );
      ends.push({
        what: `the certificate of ${component}`,
        end: certificate.validityEndTime,
        runbook: "renew-certificates.md",
      });
      return { component, key: key.privateKeyPemPkcs8, certificate: certificate.certPem };
    };
    const leaves = tlsComponents.map(leaf);

    this.secrets = tlsSecrets(installation.release);
    const secret = (suffix: string, secretName: string, data: Record<string, pulumi.Input<string>>) =>
      opaqueSecret(`${name}-${suffix}`, { name: secretName, namespace: args.namespace }, data, own);
    const ca = this.caCertificate.apply(base64);
    secret("ca-secret", this.secrets.ca, { "ca.crt": ca });
    for (const { component, key, certificate } of leaves) {
      secret(`${component}-secret`, this.secrets.components[component], {
        "tls.crt": certificate.apply(base64),
        "tls.key": key.apply(base64),
        "ca.crt": ca,
        "tls-combined.pem": pulumi.all([key, certificate]).apply((parts) => base64(parts.join(""))),
      });
    }

    this.ends = ends;
    this.fingerprint = pulumi
      .all([this.caCertificate, ...leaves.map(({ certificate }) => certificate)])
      .apply((certificates) => shortHash(certificates.join("")));
    this.registerOutputs({ secrets: this.secrets });
  }
}
