/** A server's certificate and key, and the CA that signed it, all in PEM. */
export interface Certificates {
  ca: string;
  certificate: string;
  /** Secret. */
  key: string;
}

/**
 * Makes a CA and a certificate that it signs for a server on this machine, reached as 127.0.0.1 or localhost. Both are made afresh (P-256) and
 * valid for a year. The CA's key is thrown away.
 */
export async function makeCertificates(): Promise<Certificates> {
  // Not before it is needed: it takes a tenth of a second to load.
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
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { ca: ca.cert, certificate: server.cert, key: server.private };
}
