/** Finds or downloads the official Pulumi plugins, and checks the chart repository. A stand-in replaces what is not available. */
import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { RehearsalError } from "../engine/fault.ts";
import { cacheFolder } from "./cache.ts";
import { answers } from "./download.ts";
import { isExecutable, which } from "./findTool.ts";
import { awaitSession } from "./processes.ts";
import type { Origin, ToolOptions } from "./tools.ts";

export interface PluginReport {
  /** `kubernetes`, `tls` or `postgresql`; `nodejs` is the language host. */
  name: string;
  /** Without a leading `v`. For a stand-in, the version of the plugin that it replaces. */
  version: string;
  origin: Exclude<Origin, "built"> | "stand-in";
  /** Absolute path of the plugin's folder, for PATH. The folders of official plugins come before that of the stand-ins. */
  folder: string;
}

export interface PluginOptions extends ToolOptions {
  /** The pulumi CLI. It downloads plugins, and its language host is in the same folder. */
  pulumi: { file: string; version: string };
  /** Absolute path of the folder of the stand-ins. */
  standIns: string;
  /** Whether stand-ins are used: always, or never. @default where a plugin is not available */
  use?: "always" | "never" | undefined;
}

const providers = ["kubernetes", "tls", "postgresql"] as const;

/** Finds the provider plugins of the SDKs in package.json, and the language host of the CLI. */
export async function findPlugins(options: PluginOptions): Promise<PluginReport[]> {
  const versions = providerVersions(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
  const found = await Promise.all([
    findLanguageHost(options),
    ...providers.map((name) => findProvider(name, versions[name], options)),
  ]);
  const missing = found.filter(({ origin }) => origin === "stand-in").map(({ name, version }) => `${name} ${version}`);
  if (options.use === "never" && missing.length > 0) {
    throw new RehearsalError(
      `--no-stand-ins: the plugins ${missing.join(", ")} are not available; install them with pulumi plugin install, or put them on PATH`,
    );
  }
  return found;
}

/** Whether a chart repository's index answers within three seconds. */
export function chartRepositoryAnswers(repository: string, signal: AbortSignal): Promise<boolean> {
  return answers(`${repository.replace(/\/$/, "")}/index.yaml`, signal);
}

/** The versions of the provider plugins: those of the SDKs in package.json. */
export function providerVersions(packageJson: string): Record<(typeof providers)[number], string> {
  const { dependencies } = JSON.parse(packageJson) as { dependencies: Record<string, string> };
  const version = (name: string): string => {
    const version = dependencies[`@pulumi/${name}`];
    // A range does not determine the version of the plugin.
    if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
      throw new Error(`package.json must depend on an exact version of @pulumi/${name}, not on ${version ?? "none"}`);
    }
    return version;
  };
  return { kubernetes: version("kubernetes"), tls: version("tls"), postgresql: version("postgresql") };
}

async function findLanguageHost({ pulumi, standIns, use }: PluginOptions): Promise<PluginReport> {
  const host = "pulumi-language-nodejs";
  const beside = [pulumi.file, await realpath(pulumi.file)].map((file) => join(dirname(file), host));
  const onPath = await which(host);
  if (use === "always") return { name: "nodejs", version: pulumi.version, origin: "stand-in", folder: standIns };
  for (const file of onPath === undefined ? beside : [...beside, onPath]) {
    if (await isExecutable(file))
      return { name: "nodejs", version: pulumi.version, origin: "found", folder: dirname(file) };
  }
  return { name: "nodejs", version: pulumi.version, origin: "stand-in", folder: standIns };
}

async function findProvider(name: string, version: string, options: PluginOptions): Promise<PluginReport> {
  const installed = pluginFolder(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), name, version);
  const cached = pluginFolder(rehearsalPulumiHome(), name, version);
  // Pulumi has this file next to the folder while it unpacks the plugin.
  const isIn = async (folder: string): Promise<boolean> =>
    !existsSync(`${folder}.partial`) && (await isExecutable(join(folder, `pulumi-resource-${name}`)));

  const onPath = dirname((await which(`pulumi-resource-${name}`)) ?? "");

  if (options.use === "always") return { name, version, origin: "stand-in", folder: options.standIns };
  if (await isIn(installed)) return { name, version, origin: "found", folder: installed };
  // As the engine does, without asking for the version.
  if (await isIn(onPath)) return { name, version: `of PATH (${onPath})`, origin: "found", folder: onPath };
  if (await isIn(cached)) return { name, version, origin: "cached", folder: cached };
  if ((await install(name, version, options)) && (await isIn(cached))) {
    return { name, version, origin: "downloaded", folder: cached };
  }
  return { name, version, origin: "stand-in", folder: options.standIns };
}

/** The folder of a provider plugin in a Pulumi home. */
function pluginFolder(home: string, name: string, version: string): string {
  return join(home, "plugins", `resource-${name}-v${version}`);
}

/** The Pulumi home of rehearsals. It has downloaded plugins only. */
function rehearsalPulumiHome(): string {
  return join(cacheFolder(), "pulumi");
}

async function install(name: string, version: string, { pulumi, log, signal }: PluginOptions): Promise<boolean> {
  if (!(await answers("https://get.pulumi.com/", signal))) return false;
  log(`downloading the plugin ${name} ${version}`);
  const result = await awaitSession(
    execa(pulumi.file, ["plugin", "install", "resource", name, `v${version}`, "--non-interactive"], {
      env: { PULUMI_HOME: rehearsalPulumiHome(), PULUMI_SKIP_UPDATE_CHECK: "true" },
      detached: true,
      stdin: "ignore",
      all: true,
      reject: false,
    }),
    signal,
  );
  signal.throwIfAborted();
  if (result.failed) log(`the plugin ${name} ${version} cannot be downloaded: ${result.all.trim()}`);
  return !result.failed;
}
