import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";

/**
 * What `prepare_helm_release.sh` (chart 2.7.7) makes with pulsarctl, as pure functions of one RSA private key, so that the same key always
 * gives the same Secrets. Binary values are base64, as `Secret.data` takes them: Pulsar reads keys as bare DER, never as PEM.
 */

export type TokenKeys = "asymmetric" | "symmetric";

/** Both halves of the key pair as base64 of DER: private as PKCS#8, public as X.509 SubjectPublicKeyInfo. */
export function keyPair(privateKeyPem: string): { PRIVATEKEY: string; PUBLICKEY: string } {
  const key = createPrivateKey(privateKeyPem);
  return {
    PRIVATEKEY: key.export({ type: "pkcs8", format: "der" }).toString("base64"),
    PUBLICKEY: createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64"),
  };
}

/**
 * A 256-bit key for HS256 as base64, derived (HKDF, RFC 5869) from the private key: the stack needs a random value that stays the same,
 * and the private key already is one, so no further provider is needed.
 */
export function symmetricKey(privateKeyPem: string): { SECRETKEY: string } {
  const { PRIVATEKEY } = keyPair(privateKeyPem);
  const bytes = hkdfSync("sha256", Buffer.from(PRIVATEKEY, "base64"), "", "pulsar-token-symmetric-key", 32);
  return { SECRETKEY: Buffer.from(bytes).toString("base64") };
}

/**
 * The token of a role: claim `sub` and nothing else (no time of issue, no expiry), so that signing again gives the same token.
 * RS256 with the private key, or HS256 with the symmetric key derived from it.
 */
export async function signToken(privateKeyPem: string, keys: TokenKeys, role: string): Promise<string> {
  // A preview that makes no token does not have to wait for it to load.
  const { SignJWT } = await import("jose");
  const token = new SignJWT({ sub: role });
  return keys === "asymmetric"
    ? token.setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(createPrivateKey(privateKeyPem))
    : token
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .sign(Buffer.from(symmetricKey(privateKeyPem).SECRETKEY, "base64"));
}
