import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, type webcrypto } from "node:crypto";
import type * as x509 from "@peculiar/x509";

/** X.509 certificates as Go's crypto/x509 makes them for the tls plugin. Dates are whole seconds, and serial numbers are random. */

/** Who a certificate is for. Names of a subject are those of the plugin. */
export interface Owner {
  subject?: Partial<Record<keyof typeof subjectNames, string>>;
  dnsNames?: string[];
  ipAddresses?: string[];
}

export interface CertificateTerms {
  validityPeriodHours: number;
  /** Names of the plugin, as `server_auth`. */
  allowedUses: string[];
  isCaCertificate?: boolean;
}

export interface Issued {
  certPem: string;
  /** Decimal. */
  serialNumber: string;
  start: Date;
  end: Date;
}

/** The plugin's names for the bits of the extension KeyUsage (RFC 5280). */
const keyUsages: Record<string, keyof typeof x509.KeyUsageFlags> = {
  digital_signature: "digitalSignature",
  key_encipherment: "keyEncipherment",
  cert_signing: "keyCertSign",
  crl_signing: "cRLSign",
};
const extendedKeyUsages: Record<string, keyof typeof x509.ExtendedKeyUsage> = {
  server_auth: "serverAuth",
  client_auth: "clientAuth",
};
/** What {@link CertificateTerms.allowedUses} may contain. */
export const supportedUses = [...Object.keys(keyUsages), ...Object.keys(extendedKeyUsages)];

const subjectNames = { organization: "O", organizationalUnit: "OU", commonName: "CN" } as const;
export const supportedSubjectNames = Object.keys(subjectNames);

const oids = { subjectKeyIdentifier: "2.5.29.14", subjectAlternativeName: "2.5.29.17" };

/** Imported on demand: it takes 0.1 s to load. */
const library = () => import("@peculiar/x509");

export async function selfSignedCertificate(
  privateKeyPem: string,
  owner: Owner,
  terms: CertificateTerms,
): Promise<Issued> {
  const { X509CertificateGenerator } = await library();
  const { keys, signingAlgorithm } = keysOf(privateKeyPem);
  const { validity, extensions } = await content(keys.publicKey, await namesExtension(owner), terms);
  const name = subjectOf(owner);
  const made = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name,
    keys,
    signingAlgorithm,
    extensions,
  });
  return issued(made);
}

/** A certificate request (PKCS#10) in PEM. */
export async function certificateRequest(privateKeyPem: string, owner: Owner): Promise<string> {
  const { Pkcs10CertificateRequestGenerator } = await library();
  const { keys, signingAlgorithm } = keysOf(privateKeyPem);
  const extensions = present(await namesExtension(owner));
  const name = subjectOf(owner);
  return pem(await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm, extensions }));
}

/** A certificate for the subject, names and key of a request, signed by a CA. */
export async function locallySignedCertificate(
  certRequestPem: string,
  ca: { certPem: string; privateKeyPem: string },
  terms: CertificateTerms,
): Promise<Issued> {
  const { X509CertificateGenerator, X509Certificate, Pkcs10CertificateRequest, AuthorityKeyIdentifierExtension } =
    await library();
  const request = new Pkcs10CertificateRequest(certRequestPem);
  const issuer = new X509Certificate(ca.certPem);
  const { keys, signingAlgorithm } = keysOf(ca.privateKeyPem);
  const spki = Buffer.from(request.publicKey.rawData);
  const publicKey = webKey(createPublicKey({ key: spki, format: "der", type: "spki" }), "verify");
  const issuerKey = issuer.getExtension<x509.SubjectKeyIdentifierExtension>(oids.subjectKeyIdentifier)?.keyId;
  const { validity, extensions } = await content(
    publicKey,
    request.getExtension(oids.subjectAlternativeName) ?? undefined,
    terms,
    issuerKey === undefined ? undefined : new AuthorityKeyIdentifierExtension(issuerKey),
  );
  const made = await X509CertificateGenerator.create({
    ...validity,
    subject: request.subjectName,
    issuer: issuer.subjectName,
    publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm,
    extensions,
  });
  return issued(made);
}

/** The extensions in the order of Go's crypto/x509, and the time of validity. */
async function content(
  publicKey: webcrypto.CryptoKey,
  names: x509.Extension | undefined,
  terms: CertificateTerms,
  authority?: x509.Extension,
) {
  const { KeyUsageFlags, ExtendedKeyUsage, ...extension } = await library();
  const flags = terms.allowedUses.flatMap((use) => present(keyUsages[use]).map((name) => KeyUsageFlags[name]));
  const purposes = terms.allowedUses.flatMap((use) =>
    present(extendedKeyUsages[use]).map((name) => ExtendedKeyUsage[name]),
  );
  const isCa = terms.isCaCertificate === true;
  const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
  return {
    validity: {
      // The first bit of a positive number is 0.
      serialNumber: randomBytes(16).fill(0x5a, 0, 1).toString("hex"),
      notBefore,
      notAfter: new Date(notBefore.getTime() + terms.validityPeriodHours * 3_600_000),
    },
    extensions: [
      ...(flags.length === 0
        ? []
        : [
            new extension.KeyUsagesExtension(
              flags.reduce((all, flag) => all | flag),
              true,
            ),
          ]),
      ...(purposes.length === 0 ? [] : [new extension.ExtendedKeyUsageExtension(purposes)]),
      new extension.BasicConstraintsExtension(isCa, undefined, true),
      ...(isCa ? [await extension.SubjectKeyIdentifierExtension.create(publicKey)] : []),
      ...present(authority),
      ...present(names),
    ],
  };
}

async function namesExtension({ subject = {}, dnsNames = [], ipAddresses = [] }: Owner) {
  const { SubjectAlternativeNameExtension } = await library();
  const names = [
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...ipAddresses.map((value) => ({ type: "ip" as const, value })),
  ];
  const critical = Object.keys(subject).length === 0;
  return names.length === 0 ? undefined : new SubjectAlternativeNameExtension(names, critical);
}

function subjectOf({ subject = {} }: Owner): x509.JsonName {
  return Object.entries(subjectNames).flatMap(([name, short]) =>
    present(subject[name as keyof typeof subjectNames]).map((value) => ({ [short]: [value] })),
  );
}

function keysOf(privateKeyPem: string) {
  const key = createPrivateKey(privateKeyPem);
  const keys = { privateKey: webKey(key, "sign"), publicKey: webKey(createPublicKey(key), "verify") };
  // As Go does for RSA and P256.
  return { keys, signingAlgorithm: { name: keys.privateKey.algorithm.name, hash: "SHA-256" } };
}

function webKey(key: KeyObject, use: "sign" | "verify"): webcrypto.CryptoKey {
  const rsa = key.asymmetricKeyType === "rsa";
  const algorithm = rsa ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } : { name: "ECDSA", namedCurve: "P-256" };
  return key.toCryptoKey(algorithm, true, [use]);
}

function issued(certificate: x509.X509Certificate): Issued {
  return {
    certPem: pem(certificate),
    serialNumber: BigInt(`0x${certificate.serialNumber}`).toString(),
    start: certificate.notBefore,
    end: certificate.notAfter,
  };
}

const pem = (encoded: x509.X509Certificate | x509.Pkcs10CertificateRequest) => `${encoded.toString("pem").trim()}\n`;

const present = <T>(value: T | undefined): T[] => (value === undefined ? [] : [value]);
