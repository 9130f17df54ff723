import { generateKeyPairSync } from "node:crypto";
import { isIP } from "node:net";
import { certificateRequest, locallySignedCertificate, selfSignedCertificate } from "../standins/tls/x509.ts";

/** The certificate and key of a server, and the CA that signed it, in PEM. */
export interface Certificates {
  ca: string;
  certificate: string;
  /** Secret. */
  key: string;
}

/**
 * Creates a CA and a certificate for a server on this machine, reached as 127.0.0.1, localhost or `host`. Both have new P-256 keys. The CA is valid for a year,
 * and its key is discarded.
 *
 * @param hours how long the server's certificate is valid; negative for one that has expired
 */
export async function makeCertificates(host = "localhost", hours = 365 * 24): Promise<Certificates> {
  const [caKey, key] = [newKey(), newKey()];
  const ca = await selfSignedCertificate(
    caKey,
    { subject: { commonName: "rehearsal CA" } },
    { validityPeriodHours: 365 * 24, allowedUses: ["cert_signing"], isCaCertificate: true },
  );
  const byAddress = isIP(host) !== 0;
  const request = await certificateRequest(key, {
    subject: { commonName: "localhost" },
    dnsNames: byAddress ? ["localhost"] : ["localhost", host],
    ipAddresses: byAddress ? [host, "127.0.0.1"] : ["127.0.0.1"],
  });
  const server = await locallySignedCertificate(
    request,
    { certPem: ca.certPem, privateKeyPem: caKey },
    { validityPeriodHours: hours, allowedUses: ["digital_signature", "server_auth"] },
  );
  return { ca: ca.certPem, certificate: server.certPem, key };
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}
