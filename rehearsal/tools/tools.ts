/** Finds, downloads or builds the tools of a rehearsal. */
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildTools } from "./build.ts";
import { store, toolFolder, withScratch } from "./cache.ts";
import { download, releaseOf } from "./download.ts";
import { findTool, isExecutable } from "./findTool.ts";
import { readPins, toolNames, type Pin, type ToolName } from "./pins.ts";

/** The absolute paths of the tools' executables. */
export type Tools = Record<ToolName, string>;

/** How a tool was obtained. */
export type Origin = "found" | "downloaded" | "built" | "cached";

export interface ToolReport {
  name: ToolName;
  /** Without a leading `v`. */
  version: string;
  origin: Origin;
}

interface Tool extends ToolReport {
  file: string;
}

export interface ToolOptions {
  /** Receives progress lines. */
  log: (line: string) => void;
  /** Stops everything. No incomplete files remain. */
  signal: AbortSignal;
}

/**
 * Prepares all tools. Each comes from the first possible source: PATH, if its version is suitable; the user's cache; the vendor's release; its
 * published Go module.
 *
 * @throws RehearsalError if a tool cannot be obtained
 */
export async function prepareTools(
  options: ToolOptions,
  names: readonly ToolName[] = toolNames,
): Promise<{ tools: Tools; report: ToolReport[] }> {
  const pins = readPins();
  const cache = await toolFolder(pins);
  const bin = join(cache, "bin");
  const available = await Promise.all(names.map((name) => findAvailable(pins[name], bin, options.signal)));
  const missing = names.filter((_, i) => available[i] === undefined).map((name) => pins[name]);

  const made =
    missing.length === 0
      ? []
      : await withScratch(cache, async (scratch) => {
          await mkdir(bin, { recursive: true });
          const downloaded = await downloadTools(missing, { ...options, scratch, bin });
          const left = missing.filter(({ name }) => !downloaded.some((tool) => tool.name === name));
          if (left.length === 0) return downloaded;
          await store(await buildTools(left, { ...options, pins, scratch }), bin);
          return [...downloaded, ...left.map((pin) => toolIn(bin, pin, "built"))];
        });

  const all = [...available.filter((tool) => tool !== undefined), ...made];
  const inOrder = names.flatMap((name) => all.filter((tool) => tool.name === name));
  return {
    tools: Object.fromEntries(inOrder.map(({ name, file }) => [name, file])) as Tools,
    report: inOrder.map(({ name, version, origin }) => ({ name, version, origin })),
  };
}

async function findAvailable(pin: Pin, bin: string, signal: AbortSignal): Promise<Tool | undefined> {
  const found = await findTool(pin, signal);
  if (found) return { name: pin.name, ...found, origin: "found" };
  return (await isExecutable(join(bin, pin.name))) ? toolIn(bin, pin, "cached") : undefined;
}

/** Downloads those tools that can be downloaded. A failure is logged; that tool is then built. */
async function downloadTools(
  pins: Pin[],
  { scratch, bin, log, signal }: ToolOptions & { scratch: string; bin: string },
): Promise<Tool[]> {
  const tools = await Promise.all(
    pins.map(async (pin) => {
      const release = releaseOf(pin, process.platform, process.arch);
      if (!release) return undefined;
      try {
        const files = await download(release, scratch, signal);
        // Pulumi's release includes its language hosts. The tool is stored last, so that they are present if it is.
        const others = files.filter((file) => basename(file).startsWith(`${pin.name}-`));
        const tool = files.filter((file) => basename(file) === pin.name);
        await store([...others, ...tool], bin);
        log(`downloaded ${pin.name} ${pin.version}`);
        return toolIn(bin, pin, "downloaded");
      } catch (fault) {
        signal.throwIfAborted();
        log(`${pin.name} ${pin.version} cannot be downloaded: ${reasonOf(fault)}`);
        return undefined;
      }
    }),
  );
  return tools.filter((tool) => tool !== undefined);
}

function toolIn(bin: string, { name, version }: Pin, origin: Origin): Tool {
  return { name, version, origin, file: join(bin, name) };
}

/** The message of fetch is only "fetch failed"; the reason is in its cause. */
function reasonOf(fault: unknown): string {
  const { message, cause } = fault as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
