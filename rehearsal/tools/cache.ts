/** The cache of tools between rehearsals. */
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { buildFlags } from "./build.ts";
import { goModule, type Pins } from "./pins.ts";

/** This project's folder in the user's cache folder of the platform. */
export function cacheFolder(platform = process.platform, env = process.env, home = homedir()): string {
  const base =
    env["XDG_CACHE_HOME"] ?? (platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache"));
  return join(base, "pulsar-stack");
}

/** The folder of the tools at their pinned versions. Another version or build flag gives another folder, so that it never has stale files. */
export async function toolFolder(pins: Pins): Promise<string> {
  const locks = await Promise.all(["go.mod", "go.sum"].map((name) => readFile(join(goModule, name), "utf8")));
  const key = createHash("sha256")
    .update(JSON.stringify([process.platform, process.arch, buildFlags(pins), locks]))
    .digest("hex")
    .slice(0, 12);
  return join(cacheFolder(), "tools", key);
}

/** A build takes minutes. An older scratch folder was left by a killed run. In milliseconds. */
const leftoverAge = 24 * 60 * 60 * 1000;

/** Runs `work` with an empty folder on the file system of the cache, and removes the folder afterwards in any case. */
export async function withScratch<Result>(folder: string, work: (scratch: string) => Promise<Result>): Promise<Result> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // Another run may just be removing its folder.
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
 * Moves finished files to the cache by renaming them. A file in the cache is therefore always complete, even if another run fills the cache at the
 * same time. Processes that run a replaced file continue.
 */
export async function store(files: string[], folder: string): Promise<void> {
  for (const file of files) await rename(file, join(folder, basename(file)));
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
