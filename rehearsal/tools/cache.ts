/** Where tools are kept from one rehearsal to the next. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
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

/** A build takes minutes. What is older than this was left by a run that was killed; in milliseconds. */
const leftoverAge = 24 * 60 * 60 * 1000;

/** Runs `work` with an empty folder beside the cached files, on the same file system, and removes it afterwards in any case. */
export async function withScratch<Result>(folder: string, work: (scratch: string) => Promise<Result>): Promise<Result> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // Another run may be removing its own just now.
    const made = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (name.startsWith("scratch-") && Date.now() - made > leftoverAge) await remove(path);
  }
  const scratch = await mkdtemp(join(folder, "scratch-"));
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
