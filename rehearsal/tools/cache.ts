/** Where tools are kept from one rehearsal to the next. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { buildFlags } from "./build.ts";
import { goModule, type Pins } from "./pins.ts";

/** This project's folder in the user's cache, by the platform's custom. */
export function cacheFolder(platform = process.platform, env = process.env, home = homedir()): string {
  const base =
    env["XDG_CACHE_HOME"] ?? (platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache"));
  return join(base, "pulsar-stack");
}

/** The folder of the tools as they are pinned now; another pin or flag means another folder, so that nothing in it is ever stale. */
export async function toolFolder(pins: Pins): Promise<string> {
  const locks = await Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(goModule, name), "utf8")));
  const key = createHash("sha256")
    .update(JSON.stringify([process.platform, process.arch, buildFlags(pins), locks]))
    .digest("hex")
    .slice(0, 12);
  return join(cacheFolder(), "tools", key);
}

/**
 * Runs `work` with an empty folder beside the cached files, on the same file system, and removes it afterwards in any case. Folders of
 * runs that were killed are removed as well.
 */
export async function withScratch<Result>(folder: string, work: (scratch: string) => Promise<Result>): Promise<Result> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const owner = /^scratch-(\d+)-/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) await remove(join(folder, name));
  }
  const scratch = await mkdtemp(join(folder, `scratch-${process.pid}-`));
  try {
    return await work(scratch);
  } finally {
    await remove(scratch);
  }
}

/**
 * Puts finished files into the cache by renaming them. A file in the cache is therefore whole, whoever else is filling the cache at
 * the same time; of two equal files the later one stays, and processes that run the earlier one go on.
 */
export async function store(files: string[], folder: string): Promise<void> {
  for (const file of files) await rename(file, join(folder, basename(file)));
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === "EPERM";
  }
}
