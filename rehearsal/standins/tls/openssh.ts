import { createHash, type JsonWebKey, type KeyObject, randomBytes } from "node:crypto";

/** A key in OpenSSH's formats, as golang.org/x/crypto/ssh writes them. */
export interface OpensshKey {
  /** `ssh-rsa AAAA...`, without comment, with a newline at the end. */
  publicKey: string;
  privateKey: string;
  fingerprintMd5: string;
  fingerprintSha256: string;
}

const curves: Readonly<Record<string, string>> = { "P-256": "nistp256", "P-384": "nistp384", "P-521": "nistp521" };

/** Node has no JWK of the curve P-224, and OpenSSH no such keys. */
export function opensshKey(key: KeyObject): OpensshKey | undefined {
  if (key.asymmetricKeyDetails?.namedCurve === "secp224r1") return undefined;
  const { kind, publicFields, privateFields } = fieldsOf(key.export({ format: "jwk" }), key);
  const publicBlob = Buffer.concat([kind, ...publicFields].map(string));
  return {
    publicKey: `${kind.toString()} ${publicBlob.toString("base64")}\n`,
    privateKey: privatePem(publicBlob, Buffer.concat([kind, ...privateFields].map(string))),
    fingerprintMd5: createHash("md5")
      .update(publicBlob)
      .digest("hex")
      .replace(/..(?=.)/g, "$&:"),
    fingerprintSha256: `SHA256:${createHash("sha256").update(publicBlob).digest("base64").replace(/=+$/, "")}`,
  };
}

interface Fields {
  kind: Buffer;
  publicFields: Buffer[];
  privateFields: Buffer[];
}

function fieldsOf(jwk: JsonWebKey, key: KeyObject): Fields {
  const bytes = (text = ""): Buffer => Buffer.from(text, "base64url");
  if (jwk.kty === "RSA") {
    const [n, e, d, qi, p, q] = [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map((text) => integer(bytes(text)));
    return fields("ssh-rsa", [e, n], [n, e, d, qi, p, q]);
  }
  if (jwk.kty === "OKP") {
    const [x, d] = [bytes(jwk.x), bytes(jwk.d)];
    return fields("ssh-ed25519", [x], [x, Buffer.concat([d, x])]);
  }
  const curve = curves[jwk.crv ?? ""];
  if (!curve) throw new Error(`no OpenSSH form of ${key.asymmetricKeyType ?? "this"} keys on ${jwk.crv ?? "no curve"}`);
  const point = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
  return fields(`ecdsa-sha2-${curve}`, [Buffer.from(curve), point], [Buffer.from(curve), point, integer(bytes(jwk.d))]);
}

function fields(kind: string, publicFields: (Buffer | undefined)[], privateFields: (Buffer | undefined)[]): Fields {
  const present = (all: (Buffer | undefined)[]): Buffer[] => all.filter((one) => one !== undefined);
  return { kind: Buffer.from(kind), publicFields: present(publicFields), privateFields: present(privateFields) };
}

/** `openssh-key-v1`, unencrypted: two equal random numbers tell a decrypter that it had the right passphrase. */
function privatePem(publicBlob: Buffer, privateFields: Buffer): string {
  const check = randomBytes(4);
  const comment = string(Buffer.alloc(0));
  const body = Buffer.concat([check, check, privateFields, comment]);
  const padding = Buffer.from(Array.from({ length: -body.length & 7 }, (_, index) => index + 1));
  const none = string(Buffer.from("none"));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    none,
    none,
    string(Buffer.alloc(0)),
    uint32(1),
    string(publicBlob),
    string(Buffer.concat([body, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----", ""].join("\n");
}

function string(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A positive integer: no leading zeros, but one where the first bit is set. */
function integer(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const trimmed = start < 0 ? Buffer.alloc(0) : bytes.subarray(start);
  return (trimmed[0] ?? 0) >= 128 ? Buffer.concat([Buffer.of(0), trimmed]) : trimmed;
}
