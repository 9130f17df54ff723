/** The settings of a stack without its owner: its file as it is committed, with secrets made for the occasion. */
import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { registryHost } from "../components/charts/images.ts";
import type { RawConfig, Settings } from "../settings.ts";
import type { StackConfig } from "./engine.ts";
import { RehearsalError } from "./fault.ts";
import { encryptedKeys, rawConfig } from "./stackConfig.ts";

/** The folder of Pulumi.yaml. */
export const ownProject = resolve(import.meta.dirname, "..");

/**
 * The settings of a committed stack, where nothing but them is asked for.
 * @throws RehearsalError for a stack there is not, and for faults in its settings
 */
export async function stackSettings(stack: string): Promise<Settings> {
  const stackFile = await readStackFile(ownProject, stack);
  const nowhere = { kubeconfig: "none", context: "none" };
  const config = overrides(stackFile, {}, nowhere, {
    database: "nobody",
    databaseAdmin: "nobody",
    registry: "nobody",
    manager: "nobody",
  });
  return settingsOf(stack, rawConfig(stackFile, config), ownProject);
}

/** @throws RehearsalError that names the stacks there are */
export async function readStackFile(project: string, stack: string): Promise<string> {
  try {
    return await readFile(join(project, `Pulumi.${stack}.yaml`), "utf8");
  } catch (cause) {
    const stacks = (await readdir(project)).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    throw new RehearsalError(`there is no stack "${stack}"; there are: ${stacks.join(", ")}`, { cause });
  }
}

/**
 * @param folder the folder of Pulumi.yaml
 * @throws RehearsalError with every fault in the settings
 */
export async function settingsOf(stack: string, config: RawConfig, folder: string): Promise<Settings> {
  const { parseSettings } = await import("../settings.ts");
  try {
    return parseSettings(config, stack, false, { folder });
  } catch (cause) {
    throw new RehearsalError((cause as Error).message, { cause });
  }
}

export interface RehearsedConfig {
  plain: Record<string, string>;
  secret: Record<string, string>;
}

/** Points the stack to what it is rehearsed on and gives it secrets of its own. What the caller asks for comes last. */
export function overrides(
  stackFile: string,
  config: StackConfig,
  address: { kubeconfig: string; context: string },
  secrets: { database: string; databaseAdmin: string; registry: string; manager: string },
): RehearsedConfig {
  const { values } = rawConfig(stackFile, config);
  const given = (key: string): Record<string, unknown> => JSON.parse(values[key] || "{}") as Record<string, unknown>;
  const createsNamespace = values["pulsar:createNamespace"] !== "false";
  const { pullSecret, pulsar, manager } = given("pulsar:images");
  const hasPullSecret = pullSecret !== undefined;
  // For the registries that images come from, or the preview would warn of these made-up credentials.
  const registry = values["pulsar:registry"];
  const registries = registry
    ? [registry]
    : ["docker.io", ...[pulsar, manager].map((image) => registryHost(String(image)))];
  const encrypted = encryptedKeys(stackFile);
  return {
    plain: {
      "kubernetes:kubeconfig": address.kubeconfig,
      "kubernetes:context": address.context,
      "pulsar:managerDatabase.host": "127.0.0.1",
      ...(given("pulsar:managerDatabase")["create"] === false
        ? {}
        : { "pulsar:managerDatabase.admin.user": "postgres", "pulsar:managerDatabase.admin.database": "postgres" }),
      ...config.plain,
    },
    secret: {
      "pulsar:managerDatabasePassword": secrets.database,
      "pulsar:managerDatabaseAdminPassword": secrets.databaseAdmin,
      "pulsar:managerPassword": secrets.manager,
      ...(hasPullSecret && (createsNamespace || encrypted.includes("pulsar:imagePullCredentials"))
        ? { "pulsar:imagePullCredentials": dockerConfig(secrets.registry, registries) }
        : {}),
      ...config.secret,
    },
  };
}

/** Made-up credentials for registries: no image is pulled in a rehearsal. */
export function dockerConfig(password: string, registries: readonly string[]): string {
  const auth = Buffer.from(`rehearsal:${password}`).toString("base64");
  return JSON.stringify({
    auths: Object.fromEntries(registries.map((registry) => [registry, { username: "rehearsal", password, auth }])),
  });
}
