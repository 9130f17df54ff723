/** The settings of a committed stack file, with generated secrets in place of those that only the stack's owner can decrypt. */
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { registryHost } from "../../model/charts/images.ts";
import type { Settings } from "../../settings/resolve.ts";
import { RehearsalError } from "./fault.ts";
import { importsEnvironment, readConfig, type ConfigValues } from "./stackConfig.ts";

/** The folder of Pulumi.yaml. */
export const ownProject = resolve(import.meta.dirname, "../..");

/**
 * The settings of a committed stack, read without Pulumi.
 * @throws RehearsalError if there is no such stack, and for faults in its file
 */
export async function stackSettings(stack: string, project = ownProject): Promise<Settings> {
  const config = readConfig(await readStackFile(project, stack), `Pulumi.${stack}.yaml`);
  return settingsOf(stack, config, generateSecrets(), project);
}

/**
 * The text of a stack file.
 *
 * @throws RehearsalError if the file does not exist, with the names of the stacks that do, or if it imports a Pulumi ESC environment
 */
export async function readStackFile(project: string, stack: string): Promise<string> {
  const file = `Pulumi.${stack}.yaml`;
  const text = await readFile(join(project, file), "utf8").catch(async (cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      throw new RehearsalError(`${file}: cannot be read (${code}); use a file that you may read`, { cause });
    }
    const files = await readdir(project).catch(() => {
      throw new RehearsalError(`--stack-files: there is no folder ${project}; use the folder of the stack files`);
    });
    const stacks = files.flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    throw new RehearsalError(`--stack: "${stack}" does not exist; use one of ${stacks.join(", ")}`, { cause });
  });
  if (importsEnvironment(text)) {
    throw new RehearsalError(
      `${file}: environment: a rehearsal has no access to Pulumi ESC; to rehearse this stack, remove it from a copy of the file and write its values under config`,
    );
  }
  return text;
}

/**
 * The settings as a preview parses them, with generated secrets in place of those that are encrypted or not set yet.
 *
 * @param folder the folder of Pulumi.yaml
 * @throws RehearsalError with every fault in the settings
 */
export async function settingsOf(
  stack: string,
  config: ConfigValues,
  secrets: GeneratedSecrets,
  folder: string,
): Promise<Settings> {
  const { parseSettings } = await import("../../settings/settings.ts");
  const filled = secretsFor(config, secrets);
  const values = {
    ...Object.fromEntries(Object.entries(config.plain).map(([key, value]) => [key, textOf(value)])),
    // Only to report a setting that must not be encrypted. The value itself is not used.
    ...Object.fromEntries(config.encrypted.map((key) => [key, "[secret]"])),
    ...filled,
  };
  try {
    return parseSettings({ values, encrypted: [...config.encrypted, ...Object.keys(filled)] }, stack, true, {
      now: new Date(),
      folder,
    });
  } catch (cause) {
    throw new RehearsalError((cause as Error).message, { cause });
  }
}

/** The form in which Pulumi passes a value to a program. */
function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The systems that a stack is rehearsed on. */
export interface RehearsalSystems {
  cluster: { kubeconfig: string; context: string };
  postgres: { host: string; port: number; caFile: string };
}

/** The configuration that replaces the address of every system of the stack's own, so that a rehearsal never reaches one. */
export function addressesOf({ cluster, postgres }: RehearsalSystems, { managerDatabase, adminApi }: Settings) {
  const plain = {
    "kubernetes:kubeconfig": cluster.kubeconfig,
    "kubernetes:context": cluster.context,
    "pulsar:managerDatabase.host": postgres.host,
    "pulsar:managerDatabase.port": String(postgres.port),
    ...(managerDatabase.tls === "verify-full" ? { "pulsar:managerDatabase.tlsCaFile": postgres.caFile } : {}),
    ...(managerDatabase.create
      ? { "pulsar:managerDatabase.admin.user": "postgres", "pulsar:managerDatabase.admin.database": "postgres" }
      : {}),
  };
  // Without an address, the program reaches the admin API by a port-forward to a proxy in the rehearsed cluster.
  const unset = Object.keys(adminApi).map((key) => `pulsar:adminApi.${key}`);
  return { plain, unset };
}

/** A password for each secret of a stack. */
export type GeneratedSecrets = ReturnType<typeof generateSecrets>;

/** @param password the password for a key. @default a random one */
export function generateSecrets(password: (key: string) => string = () => randomBytes(18).toString("base64url")) {
  const secret = <Key extends string>(key: Key) => ({ [key]: password(key) }) as Record<Key, string>;
  return {
    ...secret("pulsar:managerPassword"),
    ...secret("pulsar:managerDatabasePassword"),
    ...secret("pulsar:managerDatabaseAdminPassword"),
    ...secret("pulsar:imagePullCredentials"),
  };
}

/** The secrets that are encrypted in the stack file or not set yet. A secret in plain text is not replaced: it is a fault. */
export function secretsFor({ plain, encrypted }: ConfigValues, secrets: GeneratedSecrets): Record<string, string> {
  const database = plain["pulsar:managerDatabase"] as { create?: unknown } | undefined;
  const images = plain["pulsar:images"] as Partial<Record<"pullSecret" | "pulsar" | "manager", unknown>> | undefined;
  // For the registries that the images come from. Otherwise the preview would warn about these credentials.
  const registry = plain["pulsar:registry"] as string | undefined;
  const registries = registry
    ? [registry]
    : ["docker.io", ...[images?.pulsar, images?.manager].map((image) => registryHost(String(image)))];
  const needed: Record<keyof GeneratedSecrets, boolean> = {
    "pulsar:managerPassword": true,
    "pulsar:managerDatabasePassword": true,
    "pulsar:managerDatabaseAdminPassword": database?.create !== false,
    "pulsar:imagePullCredentials": images?.pullSecret !== undefined && plain["pulsar:createNamespace"] !== "false",
  };
  const values = {
    ...secrets,
    "pulsar:imagePullCredentials": dockerConfig(secrets["pulsar:imagePullCredentials"], registries),
  };
  return Object.fromEntries(
    Object.entries(values).filter(
      ([key]) => encrypted.includes(key) || (needed[key as keyof GeneratedSecrets] && !plain[key]),
    ),
  );
}

/** Generated registry credentials. A rehearsal pulls no images. */
export function dockerConfig(password: string, registries: readonly string[]): string {
  const auth = Buffer.from(`rehearsal:${password}`).toString("base64");
  return JSON.stringify({
    auths: Object.fromEntries(registries.map((registry) => [registry, { username: "rehearsal", password, auth }])),
  });
}
