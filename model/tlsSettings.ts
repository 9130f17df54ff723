import { z } from "zod";
import * as scalar from "./scalars.ts";

const aNumber = scalar.wholeNumber(1, 100_000);
const aList = { error: "a list of numbers of CAs, such as [1, 2]" };
const days = scalar.wholeNumber(1, 36_500);

const tlsIssuers = ["stack", "cert-manager", "secrets"] as const;
export type TlsIssuer = (typeof tlsIssuers)[number];

export const tlsSchema = scalar
  .object({
    enabled: scalar.flag.optional().meta({
      description:
        "Whether all connections of clients, proxies, brokers, bookies and ZooKeeper are encrypted. Production refuses false without a waiver of the policy `no-plain-ports`.",
      change: "All pods restart, and clients need other addresses (docs/operations/enable-tls.md).",
      otherwise: "true in production, false in test",
    }),
    issuer: scalar.oneOf(tlsIssuers).default("stack").meta({
      description:
        "What creates the certificates. stack: the stack, with CAs of its own. cert-manager: Certificates (cert-manager.io/v1) of the issuer in `certManager`. secrets: nobody, and the Secrets that the charts mount must exist (docs/operations/renew-certificates.md).",
      change:
        "Return to plain text in between (docs/operations/enable-tls.md): the Secrets of all issuers have the same names.",
    }),
    certManager: scalar
      .object({
        issuer: scalar.name.describe("Name of the issuer. Its Secrets must contain `ca.crt`."),
        kind: scalar.oneOf(["Issuer", "ClusterIssuer"]).default("Issuer").describe("Its kind."),
      })
      .optional()
      .describe("cert-manager's issuer, with `issuer: cert-manager`."),
    hosts: z.array(scalar.host, { error: "a list of host names and IP addresses" }).default([]).meta({
      description: "More host names and IP addresses by which clients reach the proxies.",
      change:
        "The proxies get another certificate, and all pods restart, one at a time. With another issuer than the stack, raise `generation` afterwards.",
    }),
    generation: aNumber.default(1).meta({
      description: "Number of the components' keys and certificates.",
      change:
        "The next number creates new ones, signed by the same CA. With another issuer, it only restarts the pods.",
    }),
    authority: aNumber.default(1).meta({
      description: "Number of the CA that signs the certificates.",
      change: "Refused unless the pods trust both CAs. All certificates are signed again.",
    }),
    trusted: z.array(aNumber, aList).min(1, aList).optional().meta({
      description: "Numbers of the CAs that all components trust. Each number has its own CA.",
      change: "Refused if it leaves out the CA of the present certificates.",
      otherwise: "the number in `authority`",
    }),
    lifetimeDays: days.default(365).meta({
      description: "How long a certificate is valid.",
      change: "All certificates are signed again, and all pods restart, one at a time.",
    }),
    authorityLifetimeDays: days.default(3650).meta({
      description: "How long the certificate of a CA is valid.",
      change: "The CAs get other certificates, with the same keys, and all certificates are signed again.",
    }),
    warnDays: scalar
      .wholeNumber(0, 3650)
      .default(30)
      .describe("How many days before the end of a certificate the preview warns."),
  })
  .prefault({})
  .meta({
    description:
      "Encryption of the connections inside the cluster. `authority`, `trusted`, and the two lifetimes are for `issuer: stack`.",
    example: "pulsar:tls:\n  enabled: true\n  hosts: [pulsar.example.com]",
  });

/** Which CA signs the certificates, and which CAs are trusted. */
export interface Authorities {
  authority: number;
  trusted: number[];
}

/**
 * Why the CAs cannot change in one step. Pods restart one by one, so that those of before and those of after connect to each other: each must trust the
 * other's certificate.
 */
export function authorityBreaches(before: Authorities, after: Authorities): string[] {
  const list = (numbers: number[]) => `[${[...new Set(numbers)].sort((a, b) => a - b).join(", ")}]`;
  const both = list([...before.trusted, after.authority]);
  return [
    ...(before.trusted.includes(after.authority)
      ? []
      : [
          `pulsar:tls.authority: ${after.authority} cannot sign yet, because the pods trust only ${list(before.trusted)}; ` +
            `run an update with authority ${before.authority} and trusted ${both} first`,
        ]),
    ...(after.trusted.includes(before.authority)
      ? []
      : [
          `pulsar:tls.trusted: ${list(after.trusted)} leaves out ${before.authority}, which signed the pods' certificates; ` +
            `run an update with another authority and trusted ${both} first`,
        ]),
  ];
}
