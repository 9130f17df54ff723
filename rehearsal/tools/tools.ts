/** Finds, downloads or builds the tools of a rehearsal. */
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildTools } from "./build.ts";
import { store, toolFolder, withScratch } from "./cache.ts";
import { download, releaseOf } from "./download.ts";
import { findTool, isExecutable } from "./found.ts";
import { readPins, toolNames, type Pin, type ToolName } from "./pins.ts";

/** The absolute paths of the tools' executables. */
export type Tools = Record<ToolName, string>;

/** Where a tool comes from. */
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
  /** Takes the lines that tell what is going on. */
  log: (line: string) => void;
  /** Ends everything, and leaves nothing half made. */
  signal: AbortSignal;
}

/**
 * Prepares all tools, each from the first of these that has it: PATH, where its version is a suitable one; the user's cache; the
 * vendor's release; its published Go module. Throws a `ToolError` where a tool can be had from none.
 */
export async function prepareTools(options: ToolOptions): Promise<{ tools: Tools; report: ToolReport[] }> {
  const pins = readPins();
  const cache = await toolFolder(pins);
  const bin = join(cache, "bin");
  const atHand = await Promise.all(toolNames.map((name) => takeAtHand(pins[name], bin, options.signal)));
  const missing = toolNames.filter((_, i) => atHand[i] === undefined).map((name) => pins[name]);

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

  const all = [...atHand.filter((tool) => tool !== undefined), ...made];
  const inOrder = toolNames.flatMap((name) => all.filter((tool) => tool.name === name));
  return {
    tools: Object.fromEntries(inOrder.map(({ name, file }) => [name, file])) as Tools,
    report: inOrder.map(({ name, version, origin }) => ({ name, version, origin })),
  };
}

async function takeAtHand(pin: Pin, bin: string, signal: AbortSignal): Promise<Tool | undefined> {
  const found = await findTool(pin, signal);
  if (found) return { name: pin.name, ...found, origin: "found" };
  return (await isExecutable(join(bin, pin.name))) ? toolIn(bin, pin, "cached") : undefined;
}

/** Downloads what can be downloaded; a failure is told and leaves the tool to be built. */
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
        // Pulumi's release brings its language hosts along; the tool itself goes last, so that where it is, they are.
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

/** fetch says only "fetch failed" and keeps the reason in its cause. */
function reasonOf(fault: unknown): string {
  const { message, cause } = fault as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
