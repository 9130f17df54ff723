/** Finds the chart of a Release, and says which one it is. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { parse } from "yaml";
import { cacheFolder, withScratch } from "../../rehearsal/tools/cache.ts";
import { chartRepositoryAnswers } from "../../rehearsal/tools/plugins.ts";
import type { StackPlan } from "../plan.ts";

/** The inputs of a Release that say which chart it installs. */
export interface ChartInputs {
  chart: string;
  version: string;
  repositoryOpts?: { repo?: string };
}

export interface FoundChart {
  /** The chart's folder or .tgz file. */
  path: string;
  facts: StackPlan["chart"];
}

export interface ChartOptions {
  /** The base of relative paths. */
  folder: string;
  helm: string;
  /** A chart to render in place of the stack's. */
  chart?: string;
  /** Whether the stand-in is rendered even where the vendor's chart can be reached. @default false */
  standIn?: boolean;
  /** Whether the vendor's chart is downloaded even if it is cached: its repository may have another one under the same version. @default false */
  fresh?: boolean;
  signal: AbortSignal;
}

/** The chart at `options.chart` or on disk, the vendor's from the cache or its repository, or the stand-in for it. */
export async function findChart(inputs: ChartInputs, options: ChartOptions): Promise<FoundChart> {
  const line = inputs.version.startsWith("2.") ? "2.7" : "4";
  const standIn = join(import.meta.dirname, "../../rehearsal/standins/charts", `pulsar-${line}`);
  const vendors = options.chart ?? (options.standIn ? undefined : await vendorsChart(inputs, options));
  const path = vendors ?? standIn;
  return {
    path,
    facts: {
      name: await nameOf(path),
      version: inputs.version,
      line,
      source: path === standIn ? "stand-in" : "vendor",
      digest: await hashOfFiles(path),
    },
  };
}

async function nameOf(path: string): Promise<string> {
  const file = join(path, "Chart.yaml");
  const { name } = (await stat(file).catch(() => undefined))
    ? (parse(await readFile(file, "utf8")) as { name?: string })
    : {};
  return name ?? "pulsar";
}

async function vendorsChart(
  inputs: ChartInputs,
  { folder, helm, fresh = false, signal }: ChartOptions,
): Promise<string | undefined> {
  const { chart, version, repositoryOpts: { repo } = {} } = inputs;
  if (repo === undefined) {
    const local = resolve(folder, chart);
    if (await stat(local).catch(() => undefined)) return local;
  }
  const key = createHash("sha256")
    .update(`${repo ?? ""} ${chart} ${version}`)
    .digest("hex")
    .slice(0, 12);
  const cached = join(cacheFolder(), "charts", key);
  if (fresh || !(await stat(cached).catch(() => undefined))) {
    if (repo !== undefined && !(await chartRepositoryAnswers(repo, signal))) return undefined;
    const args = ["pull", chart, "--version", version, "--untar", ...(repo === undefined ? [] : ["--repo", repo])];
    const pulled = await withScratch(join(cacheFolder(), "charts"), async (scratch) => {
      const { failed } = await execa(helm, [...args, "--untardir", scratch], {
        reject: false,
        timeout: 60_000,
        cancelSignal: signal,
      });
      if (failed) return false;
      await mkdir(join(cacheFolder(), "charts"), { recursive: true });
      if (fresh) await rm(cached, { recursive: true, force: true });
      // Another run may have stored the same chart in the meantime.
      await rename(scratch, cached).catch(() => undefined);
      return true;
    });
    if (!pulled) return undefined;
  }
  const [name] = await readdir(cached);
  return name === undefined ? undefined : join(cached, name);
}

/** A hash of the names and contents of the chart's files. */
async function hashOfFiles(path: string): Promise<string> {
  const hash = createHash("sha256");
  if ((await stat(path)).isFile()) return hash.update(await readFile(path)).digest("hex");
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  for (const file of files.sort()) {
    const content = await readFile(file);
    hash.update(`${file.slice(path.length)} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}
