import { maskForms } from "../../model/secretLooks.ts";

/** Replaces known secrets, and everything that looks like a token, a key or a password, in texts that are shown or stored. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // The longest first: a secret may contain another one.
  const known = secrets.filter((secret) => secret !== "").sort((a, b) => b.length - a.length);
  return (text) => maskForms(known.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text));
}
