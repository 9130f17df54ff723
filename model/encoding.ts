import { createHash, createHmac } from "node:crypto";

/** A text in the form of `Secret.data`. (`stringData` is write-only: Pulumi would not see a change of the Secret in the cluster.) */
export const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The first eight hexadecimal digits of a text's SHA-256: enough to distinguish the names of a handful of objects. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** The same for a text that contains a secret: without the key, nobody can check a guess (HMAC, RFC 2104). */
export function keyedHash(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex").slice(0, 8);
}
