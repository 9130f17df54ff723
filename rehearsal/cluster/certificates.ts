import { isIP } from "node:net";

/** The certificate and key of a server, and the CA that signed it, in PEM. */
export interface Certificates {
  ca: string;
  certificate: string;
  /** Secret. */
  key: string;
}

/**
 * Creates a CA and a certificate for a server on this machine, reached as 127.0.0.1, localhost or `host`. Both have new P-256 keys and are valid for a
 * year. The CA's key is discarded.
 */
export async function makeCertificates(host = "localhost"): Promise<Certificates> {
  // Imported on demand: it takes 0.1 s to load.
  const { generate } = await import("selfsigned");
  const fresh = { keyType: "ec", algorithm: "sha256" } as const;
  const ca = await generate([{ name: "commonName", value: "rehearsal CA" }], {
    ...fresh,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: "localhost" }], {
    ...fresh,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { ca: ca.cert, certificate: server.cert, key: server.private };
}
