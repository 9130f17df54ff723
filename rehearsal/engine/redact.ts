/** JSON Web Tokens and PEM blocks of private keys. */
const patterns = [
  /eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g,
  /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g,
];

/** Replaces known secrets, and everything that looks like a token or a private key, in texts that are shown or stored. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // The longest first: a secret may contain another one.
  const known = secrets.filter((secret) => secret !== "").sort((a, b) => b.length - a.length);
  return (text) => {
    const without = known.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
    return patterns.reduce((rest, pattern) => rest.replace(pattern, "[secret]"), without);
  };
}
