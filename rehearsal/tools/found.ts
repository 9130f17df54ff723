/** What the machine has already. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { isSuitable, type Pin } from "./pins.ts";

/** The first executable file of that name in the folders of `path` (default: PATH). */
export async function which(name: string, path = process.env["PATH"] ?? ""): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((folder) => folder !== "")) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** The first version number in what a tool prints about itself, without its `v`. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+\.\d+[\w.-]*/.exec(text)?.[0];
}

/** Looks for a tool on PATH, and takes it if its version will do. */
export async function findTool(pin: Pin, signal: AbortSignal): Promise<{ file: string; version: string } | undefined> {
  const file = await which(pin.name);
  if (file === undefined) return undefined;
  const version = await versionOf(pin.name, file, signal);
  return version !== undefined && isSuitable(pin, version) ? { file, version } : undefined;
}

async function versionOf(name: string, file: string, signal: AbortSignal): Promise<string | undefined> {
  const question = name === "pulumi" || name === "helm" ? "version" : "--version";
  const { failed, stdout } = await execa(file, [question], {
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
    stdin: "ignore",
    timeout: 10_000,
    cancelSignal: signal,
    reject: false,
  });
  return failed ? undefined : versionIn(stdout);
}
