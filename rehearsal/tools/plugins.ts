/** Which of the official Pulumi plugins and of the chart can be had; where one cannot, a stand-in takes its place. */
import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { cacheFolder } from "./cache.ts";
import { answers } from "./download.ts";
import { isExecutable, which } from "./found.ts";
import { endTogether } from "./processes.ts";
import type { Origin, ToolOptions } from "./tools.ts";

export interface PluginReport {
  /** `kubernetes`, `tls` or `postgresql`; `nodejs` is the language host. */
  name: string;
  /** Without a leading `v`; of a stand-in, the version of what it stands in for. */
  version: string;
  origin: Exclude<Origin, "built"> | "stand-in";
  /** Absolute path of the folder by which the engine finds the plugin on PATH. Those of official plugins go before the stand-ins'. */
  folder: string;
}

export interface PluginOptions extends ToolOptions {
  /** The pulumi CLI, which downloads plugins, and beside which its language host belongs. */
  pulumi: { file: string; version: string };
  /** Absolute path of the folder of all stand-ins. */
  standIns: string;
}

const providers = ["kubernetes", "tls", "postgresql"] as const;

/** Finds the provider plugins that belong to the SDKs in package.json, and the language host that belongs to the CLI. */
export async function findPlugins(options: PluginOptions): Promise<PluginReport[]> {
  const versions = providerVersions(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
  return Promise.all([
    findLanguageHost(options),
    ...providers.map((name) => findProvider(name, versions[name], options)),
  ]);
}

/** Whether a chart repository's index answers within three seconds. */
export function chartRepositoryAnswers(repository: string, signal: AbortSignal): Promise<boolean> {
  return answers(`${repository.replace(/\/$/, "")}/index.yaml`, signal);
}

/** The versions of the provider plugins: those of the SDKs that package.json depends on. */
export function providerVersions(packageJson: string): Record<(typeof providers)[number], string> {
  const { dependencies } = JSON.parse(packageJson) as { dependencies: Record<string, string> };
  const version = (name: string): string => {
    const version = dependencies[`@pulumi/${name}`];
    // A range would leave open which plugin is the right one.
    if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
      throw new Error(
        `package.json has to depend on one exact version of @pulumi/${name}, not on ${version ?? "none"}`,
      );
    }
    return version;
  };
  return { kubernetes: version("kubernetes"), tls: version("tls"), postgresql: version("postgresql") };
}

async function findLanguageHost({ pulumi, standIns }: PluginOptions): Promise<PluginReport> {
  const host = "pulumi-language-nodejs";
  const beside = [pulumi.file, await realpath(pulumi.file)].map((file) => join(dirname(file), host));
  const onPath = await which(host);
  for (const file of onPath === undefined ? beside : [...beside, onPath]) {
    if (await isExecutable(file))
      return { name: "nodejs", version: pulumi.version, origin: "found", folder: dirname(file) };
  }
  return { name: "nodejs", version: pulumi.version, origin: "stand-in", folder: standIns };
}

async function findProvider(name: string, version: string, options: PluginOptions): Promise<PluginReport> {
  const users = pluginFolder(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), name, version);
  const cached = pluginFolder(ourHome(), name, version);
  // Pulumi keeps a file of that name beside the folder while it unpacks into it.
  const isIn = async (folder: string): Promise<boolean> =>
    !existsSync(`${folder}.partial`) && (await isExecutable(join(folder, `pulumi-resource-${name}`)));

  if (await isIn(users)) return { name, version, origin: "found", folder: users };
  if (await isIn(cached)) return { name, version, origin: "cached", folder: cached };
  if ((await install(name, version, options)) && (await isIn(cached))) {
    return { name, version, origin: "downloaded", folder: cached };
  }
  return { name, version, origin: "stand-in", folder: options.standIns };
}

/** Where Pulumi keeps a provider plugin in its home. */
function pluginFolder(home: string, name: string, version: string): string {
  return join(home, "plugins", `resource-${name}-v${version}`);
}

/** The rehearsals' own Pulumi home. It holds downloaded plugins only. */
function ourHome(): string {
  return join(cacheFolder(), "pulumi");
}

async function install(name: string, version: string, { pulumi, log, signal }: PluginOptions): Promise<boolean> {
  if (!(await answers("https://get.pulumi.com/", signal))) return false;
  log(`downloading the plugin ${name} ${version}`);
  const result = await endTogether(
    execa(pulumi.file, ["plugin", "install", "resource", name, `v${version}`, "--non-interactive"], {
      env: { PULUMI_HOME: ourHome(), PULUMI_SKIP_UPDATE_CHECK: "true" },
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
