import { createHash, createHmac } from "node:crypto";

/** A text as `Secret.data` takes it. (`stringData` is written only: what the cluster then holds under `data` would not be watched for changes.) */
export const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Eight hexadecimal digits that stand for a text: enough to tell the names of a handful of objects apart. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** The same for a text with a secret in it: without the key nobody can try guesses at the text (HMAC, RFC 2104). */
export function keyedHash(key: string, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex").slice(0, 8);
}
