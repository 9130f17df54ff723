import { createHash } from "node:crypto";

/** Eight hexadecimal digits that stand for a text: enough to tell the names of a handful of objects apart. */
export function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
