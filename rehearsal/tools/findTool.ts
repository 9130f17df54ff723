/** Finds tools on the machine. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { isSuitable, type Pin } from "./pins.ts";

/** The first executable file with that name in the folders of `path` (default: PATH). */
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

/** The first version number in the version output of a tool, without a leading `v`. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+\.\d+[\w.-]*/.exec(text)?.[0];
}

/** A tool on PATH, if its version is suitable. */
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
