/** What a token or a key looks like wherever it stands: JSON Web Tokens and PEM blocks. */
const patterns = [
  /eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g,
  /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g,
];

/** Takes known secrets, and everything that looks like a token or a private key, out of texts that are shown or kept. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  // The longest first: one secret may be a part of another.
  const known = secrets.filter((secret) => secret !== "").sort((a, b) => b.length - a.length);
  return (text) => {
    const without = known.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
    return patterns.reduce((rest, pattern) => rest.replace(pattern, "[secret]"), without);
  };
}
