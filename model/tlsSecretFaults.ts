import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Installation } from "./charts/names.ts";
import { privateKeyStart } from "./secretLooks.ts";
import { certificateNames, organizationalUnit, tlsComponents, tlsSecrets } from "./tls.ts";

/** The content of a Secret by key, decoded. */
export type SecretContent = Partial<Record<string, string>>;

/**
 * What is wrong with existing Secrets for TLS, one line each without any of their values.
 * @param found the Secrets of the namespace by name
 */
export function tlsSecretFaults(
  found: ReadonlyMap<string, SecretContent>,
  installation: Installation,
  hosts: readonly string[],
  now: Date,
): string[] {
  const names = tlsSecrets(installation.release);
  const authorities = certificatesOf(found.get(names.ca)?.["ca.crt"] ?? "").filter(isValidCa(now));
  return [
    ...checked(names.ca, found, ["ca.crt"], ({ "ca.crt": pem = "" }) => [
      ...(authorities.length === 0 ? ["ca.crt has no valid certificate; put the certificates of the CAs there"] : []),
      ...brokenFaults("ca.crt", pem),
      ...(privateKeyStart.test(pem)
        ? ["ca.crt holds a private key, which all pods and clients could read; remove it, and replace the key"]
        : []),
    ]),
    ...tlsComponents.flatMap((component) =>
      checked(names.components[component], found, ["tls.crt", "tls.key", "tls-combined.pem"], (content) =>
        certificateFaults(content, authorities, certificateNames(installation, component, hosts), now),
      ),
    ),
  ];
}

function checked(
  name: string,
  found: ReadonlyMap<string, SecretContent>,
  keys: readonly string[],
  faultsOf: (content: SecretContent) => string[],
): string[] {
  const content = found.get(name);
  if (content === undefined) return [`Secret ${name} does not exist; create it with ${keys.join(", ")}`];
  const missing = keys.filter((key) => content[key] === undefined);
  const faults = missing.length > 0 ? [`${missing.join(", ")} is missing; add it`] : faultsOf(content);
  return faults.map((fault) => `Secret ${name}: ${fault}`);
}

function certificateFaults(
  { "tls.crt": pem = "", "tls.key": key = "", "tls-combined.pem": combined = "" }: SecretContent,
  authorities: readonly X509Certificate[],
  names: readonly string[],
  now: Date,
): string[] {
  const chain = certificatesOf(pem);
  const [certificate] = chain;
  if (certificate === undefined) return ["tls.crt has no certificate; put the component's certificate there"];
  const privateKey = orUndefined(() => createPrivateKey(key));
  const day = (date: Date) => date.toISOString().slice(0, 10);
  const lacking = names.filter((name) => {
    const held = isIP(name) === 0 ? certificate.checkHost(name.replace(/^\*/, "any-pod")) : certificate.checkIP(name);
    return held === undefined;
  });
  return [
    ...(key.startsWith("-----BEGIN PRIVATE KEY-----") && privateKey?.asymmetricKeyType === "rsa"
      ? []
      : ["tls.key is not an RSA key in PKCS#8; use one (openssl pkcs8 converts a key)"]),
    ...(privateKey === undefined || certificate.checkPrivateKey(privateKey)
      ? []
      : ["tls.key is not the key of the certificate in tls.crt; use the key that the certificate was issued for"]),
    ...(certificate.validToDate > now
      ? []
      : [`the certificate has ended on ${day(certificate.validToDate)}; renew it`]),
    ...(certificate.validFromDate <= now
      ? []
      : [`the certificate is not valid before ${day(certificate.validFromDate)}; use one that is`]),
    ...brokenFaults("tls.crt", pem),
    ...(lacksUse(certificate)
      ? [
          "the certificate is not for both server and client authentication; issue one with both (extended key usage), or without a limit",
        ]
      : []),
    ...(isTrusted(chain, authorities, now)
      ? []
      : [
          "the certificate comes from no valid CA in ca.crt of the CA's Secret; add its CA, or use a certificate of one of them",
        ]),
    ...(lacking.length === 0
      ? []
      : [`the certificate is not for ${lacking.join(", ")}; issue one with these names (subject alternative names)`]),
    ...(certificate.subject.split("\n").includes(`OU=${organizationalUnit}`)
      ? []
      : [`the certificate's subject has no OU=${organizationalUnit}, which bookies require; issue one with it`]),
    ...(combined.includes(key.trim()) && combined.includes(pem.trim())
      ? []
      : ["tls-combined.pem does not consist of tls.key and tls.crt; put both there, one after the other"]),
  ];
}

/** Whether each certificate is signed by the next one, and the last one by an authority. */
function isTrusted(chain: readonly X509Certificate[], authorities: readonly X509Certificate[], now: Date): boolean {
  return chain.every((certificate, i) =>
    [...authorities, ...chain.slice(i + 1, i + 2).filter(isValidCa(now))].some(
      (issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
    ),
  );
}

const isValidCa =
  (now: Date) =>
  ({ ca, validFromDate, validToDate }: X509Certificate) =>
    ca && validFromDate <= now && now < validToDate;

/** Whether the certificate limits its uses and leaves out a server's or a client's. Node's types (22) do not know that it may have no limit. */
function lacksUse({ keyUsage }: { keyUsage: string[] | undefined }): boolean {
  return keyUsage !== undefined && !["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"].every((use) => keyUsage.includes(use));
}

/** Java reads none of a file's certificates if one is broken. */
function brokenFaults(key: string, pem: string): string[] {
  const [, ...starts] = pem.split("-----BEGIN CERTIFICATE-----");
  return certificatesOf(pem).length === starts.length
    ? []
    : [`${key} has a certificate that cannot be read; replace or remove it`];
}

function certificatesOf(pem: string): X509Certificate[] {
  // Base64 has no "-". Without an end to find, a search for any character would take a minute for a megabyte.
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.flatMap((block) => orUndefined(() => new X509Certificate(block)) ?? []);
}

function orUndefined<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
