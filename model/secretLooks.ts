/** What secrets look like: the names of fields and variables that hold one, and the forms of tokens, keys and passwords in a text. */

/** The ends of names whose value is a secret. */
export const secretWords =
  "passw(?:or)?d|passwd|pwd|passphrase|token|credentials?|(?:api|access|private|secret)[-_]?key|(?:client|credential)[-_]?secret";
export const secretName = new RegExp(`(?:${secretWords})$`, "i");
/** Other names that end with `secret` name a Secret. */
export const secretVariable = /(?:^|_)SECRET$/;
/** Parameters of an authentication plugin of Pulsar: a token, `token:...`, `file:...`, or pairs with names of their own. */
export const parameters = "auth(?:entication)?Param(?:eter)?s";
const parametersName = new RegExp(`${parameters}$`, "i");

/** Parts of names that a mask hides. There are more of them, because a mask may hide too much, and a fault may not say too much. */
const hiddenWords = "passw|secret(?!Name|Ref)|token|credential|private|auth(?:entication)?Param";
const hiddenName = new RegExp(hiddenWords, "i");

/** The start of a value that refers to a secret, or is none: a file, a variable, the mark of chart 2.7.7's post-renderer, or a flag. */
export const reference = String.raw`$|file:|env:|secretKeyRef:|/|\$[({]|(?:true|false|null)\b`;
export const isReference = new RegExp(`^(?:${reference})`);

/** Keys whose form their issuer fixes: GitHub, GitLab, Slack, Amazon. */
export const accessKeys = String.raw`(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeprs]-[\w-]{10,}|A(?:KIA|SIA)[A-Z\d]{16}\b)`;

/** The first line of a private key in PEM. */
export const privateKeyStart = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

type Form = readonly [what: string, pattern: RegExp];

/** Secret wherever they stand, in prose too. Each pattern matches what a mask replaces. */
const forms: readonly Form[] = [
  ["a token", /eyJ[\w-]{5,}\.[\w-]+\.[\w-]*/g],
  ["a token in base64", /\bZXlK[A-Za-z0-9+/]{40,}={0,2}/g],
  ["a private key", /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g],
  [
    "a private key in base64",
    /\bLS0tLS1CRUdJTi[A-Za-z0-9+/]*(?:UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW)[A-Za-z0-9+/]*={0,2}/g,
  ],
  ["credentials of a request", /(?<=\b(?:Bearer|Basic) +)(?=\S*[\d=])[\w.~+/-]{12,}=*/g],
  ["an access key", new RegExp(String.raw`\b${accessKeys}`, "g")],
  ["the address of a webhook", /(?<=hooks\.slack\.com\/services\/)[\w/]{8,}/g],
  ["a password in an address", /(?<=\w:\/\/[^\s/:@]*:)(?![${[])[^\s/@]+(?=@)/g],
];
/** A value after one of these names that is no reference. Several words in quotes are prose. */
const assigned = (names: string, char: string) =>
  new RegExp(
    String.raw`(?<=(?:${names})["']?\s*[=:]\s*)(?!["']*(?:${reference}|[\s({<[$*%]))` +
      `(?:"${char}{4,}"|'${char}{4,}'|${char}{4,}(?![^\\s"',;&}]))`,
    "gi",
  );
/** Secret in a configuration. In prose, `password: not set` is none. */
const assignments: readonly Form[] = [
  ["a password", assigned(secretWords, String.raw`[^\s"',;&}]`)],
  ["a token", assigned(parameters, String.raw`[^\s"',;&{}:]`)],
];
/** The quotes of JSON in JSON are escaped. */
const hidden = new RegExp(
  String.raw`(?<=(?:${hiddenWords})\w*(?:\\?["'])?\s*[=:]\s*(?:\\?["'])?)(?![[\s"'\\])[^\s,"'}\\]+`,
  "gi",
);

/** In place of a secret. */
const mark = "[secret]";
/** A review replaces secrets before it looks for them. */
const masked: Form = ["a secret", /\[secret(?: [0-9a-f]{8})?\]/g];

/** A text or a number that is a secret, and what it looks like: "a token", "the value of DB_PASSWORD". */
export interface PlainSecret {
  path: (string | number)[];
  what: string;
}

/** The texts and numbers in a value that are secrets by their key, by the name of their environment variable, or by their form. */
export function plainSecrets(value: unknown, path: (string | number)[] = [], name = ""): PlainSecret[] {
  if (typeof value === "string" || typeof value === "number") {
    const what = secretIn(String(value), name);
    return what === undefined ? [] : [{ path, what }];
  }
  return fieldsOf(value, name).flatMap(([key, inner, named]) => plainSecrets(inner, [...path, key], named));
}

/** The value with a mark in place of each of its plain secrets. */
export function withoutPlainSecrets(value: unknown, name = ""): unknown {
  if (typeof value === "string" || typeof value === "number") {
    const text = String(value);
    return isNamed(text, name)
      ? mark
      : secretIn(text, name) === undefined
        ? value
        : maskAll(text, [...forms, ...assignments]);
  }
  if (Array.isArray(value)) return value.map((item) => withoutPlainSecrets(item, name));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    fieldsOf(value, name).map(([key, inner, named]) => [key, withoutPlainSecrets(inner, named)]),
  );
}

/** The fields or items of a value, each with the name that says what it is. */
function fieldsOf(value: unknown, name: string): [key: string | number, inner: unknown, name: string][] {
  if (Array.isArray(value)) return value.map((item, index) => [index, item, name]);
  if (typeof value !== "object" || value === null) return [];
  const variable = "name" in value && typeof value.name === "string" ? value.name : "value";
  return Object.entries(value).map(([key, inner]) => [key, inner, key === "value" ? variable : key]);
}

function secretIn(text: string, name: string): string | undefined {
  const found = [...forms, ...assignments, masked].find(([, pattern]) => text.search(pattern) !== -1)?.[0];
  return found ?? (isNamed(text, name) ? `the value of ${name}` : undefined);
}

function isNamed(text: string, name: string): boolean {
  if (isReference.test(text)) return false;
  return secretName.test(name) || secretVariable.test(name) || (parametersName.test(name) && !/[:{]/.test(text));
}

/** Whether a mask hides the value of a field or a variable with this name. */
export function isHidden(name: string): boolean {
  return hiddenName.test(name);
}

/** Replaces the secrets in a text of any kind. */
export function maskForms(text: string): string {
  return maskAll(text, forms);
}

/** Replaces the secrets in the text of a configuration or a command, and what may be one. */
export function maskConfiguration(text: string): string {
  return maskForms(text).replaceAll(hidden, mark);
}

function maskAll(text: string, all: readonly Form[]): string {
  return all.reduce((rest, [, pattern]) => rest.replaceAll(pattern, mark), text);
}
