import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";
import { z } from "zod";
import type { SecretRef } from "./charts/cluster.ts";
import * as scalar from "./scalars.ts";

/**
 * The keys and tokens of `prepare_helm_release.sh` (chart 2.7.7, pulsarctl), as pure functions of one private key: the same key always gives
 * the same Secrets. Binary values are base64, as in `Secret.data`; Pulsar reads keys as DER, not PEM.
 */

/**
 * How tokens are signed. `asymmetric`: RS256, brokers hold only the public key. `ecdsa`: the same with ES256, which has smaller keys and
 * tokens. `symmetric`: HS256; anyone who can verify a token can also create one.
 */
export const tokenKeys = ["asymmetric", "ecdsa", "symmetric"] as const;
export type TokenKeys = (typeof tokenKeys)[number];

export const tokensSchema = scalar
  .object({
    keys: scalar.oneOf(tokenKeys).default("asymmetric").meta({
      description: "Signature: asymmetric (RS256), ecdsa (ES256) or symmetric (HS256).",
      change: "Change `generation` too. A production stack cannot change from or to symmetric.",
    }),
    generation: scalar.wholeNumber(1, 100_000).default(1).meta({
      description: "Number of the key.",
      change:
        "The next number creates a new key and new tokens, and restarts brokers, proxies, toolset and manager. All former tokens are refused.",
    }),
    roles: scalar
      .object({
        broker: scalar.role.default("broker-admin"),
        proxy: scalar.role.default("proxy-admin"),
        client: scalar.role.default("admin").describe("The administrators' role."),
        manager: scalar.role
          .optional()
          .meta({ otherwise: "manager-admin; with chart 2.7.7 the manager uses the administrators' token" }),
      })
      .prefault({})
      .describe("Super users."),
    expires: scalar.date
      .optional()
      .meta({ description: "First day (UTC) on which the tokens are refused.", otherwise: "never" }),
    warnDays: scalar.wholeNumber(0, 3650).default(30).describe("How many days before that day the preview warns."),
  })
  .prefault({})
  .meta({
    description: "Keys and tokens of the stack.",
    example: "pulsar:tokens:\n  generation: 2\n  expires: 2027-06-30",
  });

export type TokenSettings = z.output<typeof tokensSchema>;

export const clientsSchema = z
  .array(
    scalar.object({
      role: scalar.role.describe("Role of the application."),
      expires: scalar.date
        .optional()
        .meta({ description: "First day (UTC) on which its token is refused.", otherwise: "`tokens.expires`" }),
    }),
    { error: "a list of applications, each with its role" },
  )
  .default([])
  .meta({
    description: "Applications that get a token and a Secret.",
    example: "pulsar:clients:\n  - { role: shop-app }",
  });

/** The claims of a token. */
export interface Claims {
  /** The role, as `sub`. */
  role: string;
  /** The day on which the token expires, at 00:00 UTC, such as 2027-06-30; as `exp`. @default it never expires */
  expires?: string | undefined;
}

/** The Secret and key of a role's token, where both chart lines expect it. */
export function tokenSecret(release: string, role: string): SecretRef {
  return { secret: `${release}-token-${role}`, key: "TOKEN" };
}

/** What each application needs to connect from inside the cluster, by role. The Secret's key `TOKEN` holds its token. */
export function applicationsOf(
  clients: readonly Claims[],
  { release, namespace }: { release: string; namespace: string },
  { proxy, admin }: { proxy: string; admin: string },
) {
  const application = (role: string) => ({
    serviceUrl: proxy,
    adminUrl: admin,
    secret: { namespace, name: tokenSecret(release, role).secret },
  });
  return Object.fromEntries(clients.map(({ role }) => [role, application(role)]));
}

/** Both halves of the key pair as base64 of DER: private as PKCS#8, public as X.509 SubjectPublicKeyInfo. */
export function keyPair(privateKeyPem: string): { PRIVATEKEY: string; PUBLICKEY: string } {
  const key = createPrivateKey(privateKeyPem);
  return {
    PRIVATEKEY: key.export({ type: "pkcs8", format: "der" }).toString("base64"),
    PUBLICKEY: createPublicKey(key).export({ type: "spki", format: "der" }).toString("base64"),
  };
}

/**
 * A 256-bit key for HS256 as base64, derived from the private key (HKDF, RFC 5869). The stack needs a random value that stays the same, and
 * the private key already is one.
 */
export function symmetricKey(privateKeyPem: string): { SECRETKEY: string } {
  const { PRIVATEKEY } = keyPair(privateKeyPem);
  const bytes = hkdfSync("sha256", Buffer.from(PRIVATEKEY, "base64"), "", "pulsar-token-symmetric-key", 32);
  return { SECRETKEY: Buffer.from(bytes).toString("base64") };
}

/**
 * The token of a role: claims `sub` and, if it expires, `exp`. It has no time of issue, so signing again gives the same token.
 * RS256 or ES256 with the private key, or HS256 with the symmetric key derived from it.
 */
export async function signToken(privateKeyPem: string, keys: TokenKeys, { role, expires }: Claims): Promise<string> {
  const claims = { sub: role, ...(expires === undefined ? {} : { exp: Date.parse(expires) / 1000 }) };
  if (keys === "ecdsa") return signEs256(privateKeyPem, claims);
  // Loaded only when needed: a preview that signs no token is faster without it.
  const { SignJWT } = await import("jose");
  const token = new SignJWT(claims);
  return keys === "asymmetric"
    ? token.setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(createPrivateKey(privateKeyPem))
    : token
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .sign(Buffer.from(symmetricKey(privateKeyPem).SECRETKEY, "base64"));
}

/**
 * ES256 (RFC 7518, section 3.4) with the nonce derived from key and message (RFC 6979). OpenSSL, and so Node and jose, uses a random nonce:
 * every `up` would create another token.
 */
async function signEs256(privateKeyPem: string, claims: object): Promise<string> {
  const { p256 } = await import("@noble/curves/nist.js");
  const { d = "" } = createPrivateKey(privateKeyPem).export({ format: "jwk" });
  const signed = [{ alg: "ES256", typ: "JWT" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = p256.sign(Buffer.from(signed), Buffer.from(d, "base64url"));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}
