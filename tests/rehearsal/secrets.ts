/** Searches for secrets wherever somebody could read them. */
import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { tlsSecrets } from "../../model/tls.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { helm } from "./support.ts";

/** Keys of Secrets with public values: kinds of tokens, names of roles, public keys, certificates. */
const publicKeys = new Set([
  "TYPE",
  "PUBLICKEY",
  "PULSAR_MANAGER_ADMIN_USER",
  "DB_USERNAME",
  "UI_USERNAME",
  "environment.json",
  "tls.crt",
  "ca.crt",
]);

/** The values of Secrets that a stack with TLS has, as `assertNoSecretShown` expects them. */
export const tlsSecretValues = Object.values(tlsSecrets("pulsar").components).flatMap((name) => [
  `Secret ${name} tls.key`,
  `Secret ${name} tls-combined.pem`,
]);

/** The header of a private key in PEM, and in the Base64 of PEM at each offset. */
const privateKeyHeader = /PRIVATE KEY-|UFJJVkFURSBLRVkt|BSSVZBVEUgS0VZL|QUklWQVRFIEtFWS/;

/**
 * Fails if a secret of the deployed stack is visible in its state, in Helm, ConfigMaps, pods or events, in Pulumi's folders, in logs, or in any
 * output.
 *
 * @param expected the values of Secrets to search for, as `Secret <name> <key>`; the caller must list new ones
 */
export async function assertNoSecretShown(stage: Stage, said: readonly string[], expected: string[]): Promise<void> {
  const { api, settings } = stage;
  const { namespace, release } = settings;
  const secrets = await secretsOf(stage, expected);
  const { items: configMaps } = await api.core.listConfigMapForAllNamespaces();
  const { items: running } = await api.core.listNamespacedPod({ namespace });
  const { items: events } = await api.core.listEventForAllNamespaces();
  const { dir } = stage.workspace;
  const places = {
    "pulumi stack export": JSON.stringify(await stage.stack.exportState()),
    "helm get values": await helm(stage, "get", "values", "--all", release),
    "helm get manifest": await helm(stage, "get", "manifest", release),
    "helm get all": await helm(stage, "get", "all", release),
    ConfigMaps: JSON.stringify(configMaps),
    pods: JSON.stringify(running),
    events: JSON.stringify(events),
    "what was said": said.join("\n"),
    ...(await filesIn(join(dir, `pulumi-${stage.stack.name}`))),
    ...(await filesIn(dir, /\blog$/)),
  };
  for (const [place, text] of Object.entries(places)) {
    for (const [secret, forms] of Object.entries(secrets)) {
      assert.ok(!forms.some((form) => text.includes(form)), `${place} holds ${secret}`);
    }
    assert.doesNotMatch(text, /eyJ[\w-]{8,}\.[\w-]+/, `${place} holds a token`);
    assert.doesNotMatch(text, privateKeyHeader, `${place} holds a private key`);
  }
  // Checks that the search finds anything: the Secrets themselves.
  const { items } = await api.core.listNamespacedSecret({ namespace });
  const all = JSON.stringify(items);
  for (const [secret, forms] of Object.entries(secrets)) {
    if (secret.startsWith("Secret "))
      assert.ok(
        forms.some((form) => all.includes(form)),
        secret,
      );
  }
  assert.equal(
    privateKeyHeader.test(all),
    expected.some((secret) => secret.endsWith(" tls.key")),
  );
}

/** The data of a Secret of the stack. */
export async function secretData({ api, settings }: Stage, name: string): Promise<Record<string, Buffer>> {
  const { data = {} } = await api.core.readNamespacedSecret({ name, namespace: settings.namespace });
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64")]));
}

export function valueAt(data: Record<string, Buffer>, key: string): Buffer {
  const value = data[key];
  assert.ok(value, `no key ${key}`);
  return value;
}

/** All secret values, each in all of its encodings. */
async function secretsOf(stage: Stage, expected: string[]): Promise<Record<string, string[]>> {
  const { api, settings, postgres, cluster } = stage;
  const { items } = await api.core.listNamespacedSecret({ namespace: settings.namespace });
  const own = items.flatMap(({ metadata, type, data = {} }) =>
    Object.entries(data).flatMap(([key, value]): [string, Buffer][] => {
      // Helm's own records are not secret, and their content is searched. The others are public names.
      if (type === "helm.sh/release.v1" || publicKeys.has(key)) return [];
      return [[`Secret ${metadata?.name ?? ""} ${key}`, Buffer.from(value, "base64")]];
    }),
  );
  assert.deepEqual(own.map(([name]) => name).sort(), expected.toSorted());
  const certificateKeys = own.filter(([name]) => name.endsWith(" tls.key"));
  const keys = await secretData(stage, "pulsar-token-asymmetric-key");
  const key = createPrivateKey({ key: valueAt(keys, "PRIVATEKEY"), format: "der", type: "pkcs8" });
  const { auths } = JSON.parse(valueAt(await secretData(stage, "regsecret"), ".dockerconfigjson").toString()) as {
    auths: Record<string, { password: string; auth: string }>;
  };
  const clientKey = /client-key-data: (\S+)/.exec(await readFile(cluster.kubeconfig, "utf8"))?.[1] ?? "";
  assert.notEqual(clientKey, "");
  const others: [string, Buffer][] = [
    ...privateNumbers("the private key", key),
    ...certificateKeys.flatMap(([name, pem]) => privateNumbers(name, createPrivateKey(pem))),
    ["the administrator's password of PostgreSQL", Buffer.from(postgres.password)],
    ...Object.values(auths).flatMap(({ password, auth }): [string, Buffer][] => [
      ["the registry's password", Buffer.from(password)],
      ["the registry's credentials", Buffer.from(auth)],
    ]),
    ["the cluster's client key", Buffer.from(clientKey, "base64")],
  ];
  // The password alone, too, because its Secret contains it within JSON (chart 2.7.7).
  const login = own.find(([name]) => name === "Secret pulsar-manager-setup login.json")?.[1].toString();
  if (login !== undefined) {
    const { password } = JSON.parse(login) as { password: string };
    others.push(["the password of the manager's login", Buffer.from(password)]);
  }
  return Object.fromEntries([...own, ...others].map(([name, value]) => [name, formsOf(value)]));
}

/**
 * Parts of the private numbers of the key. Every key format contains them, and they are short enough to be found in Base64 with
 * line breaks.
 */
function privateNumbers(what: string, key: KeyObject): [string, Buffer][] {
  const { d = "", p = "", q = "" } = key.export({ format: "jwk" });
  return Object.entries({ d, p, q }).flatMap(([name, text]) => {
    const number = Buffer.from(text, "base64url");
    const pieces = Array.from({ length: Math.floor(number.length / 24) }, (_, i) => i * 24);
    assert.ok(pieces.length > 0 || name !== "d");
    return pieces.map((at): [string, Buffer] => [`byte ${at} of ${name} of ${what}`, number.subarray(at, at + 24)]);
  });
}

/**
 * The forms of a secret: verbatim, in JSON, and within Base64 of a longer text, where it depends on its offset and its ends are mixed with
 * the adjacent characters.
 */
function formsOf(secret: Buffer): string[] {
  const text = secret.toString();
  const inside = [0, 1, 2].map((offset) => {
    const length = offset + secret.length;
    const whole = Buffer.concat([Buffer.alloc(offset), secret], length).toString("base64");
    return whole.slice(Math.ceil((offset * 8) / 6), Math.floor((length * 8) / 6));
  });
  return [text, JSON.stringify(text).slice(1, -1), ...inside, secret.toString("hex")];
}

/** The contents of all files in a folder whose name matches, by path. */
async function filesIn(folder: string, name = /./): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && name.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(file, "latin1")] as const)),
  );
}
