import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import type * as Tar from "tar";
import type * as Yaml from "yaml";
import { type Fault, keyOf } from "./faults.ts";
import type { Parsed } from "./schema.ts";

// Loaded only for a chart on disk: a preview of any other stack does not need them.
const load = createRequire(import.meta.url);

/**
 * Faults of a chart on disk: it does not exist, or its version is not that of the settings. As in the Kubernetes provider (4.34.2,
 * locateChart), a source that exists is a path, and any other is a chart of a repository that `helm repo add` knows.
 *
 * @param folder the base of relative paths
 */
export function chartSourceFaults({ chart }: Pick<Parsed, "chart">, folder: string): Fault[] {
  if (/^(https?|oci):/.test(chart.source)) return [];
  const { source, version } = chart;
  const fault = (problem: string, remedy: string): Fault[] => [{ key: keyOf(["chart", "source"]), problem, remedy }];
  try {
    const found = versionOf(resolve(folder, source));
    if (found === version) return [];
    if (found !== undefined)
      return fault(
        `${source} is a chart of version ${found}`,
        `use a chart of version ${version} (pulsar:chart.version)`,
      );
  } catch (error) {
    // The other lines of a YAML error show an excerpt of the file.
    const [reason = ""] = (error as Error).message.split("\n", 1);
    return fault(`${source} cannot be read (${reason.replace(/:$/, "")})`, "use a folder or a .tgz file with a chart");
  }
  const named = source.includes("/") && !isAbsolute(source) && !source.startsWith(".");
  return named
    ? []
    : fault(
        `there is no chart at ${source}`,
        "use the folder or .tgz file of a chart, https://..., oci://..., or repository/chart of a repository added with helm repo add",
      );
}

/** The version of the chart at a path; undefined if there is none. @throws Error if it cannot be read */
function versionOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const text = found.isDirectory() ? inFolder(path) : inArchive(path);
  if (text === undefined) return undefined;
  const { parse } = load("yaml") as typeof Yaml;
  const { version } = (parse(text) ?? {}) as { version?: unknown };
  if (typeof version !== "string") throw new Error("its Chart.yaml has no version");
  return version;
}

function inFolder(path: string): string | undefined {
  const file = join(path, "Chart.yaml");
  return statSync(file, { throwIfNoEntry: false }) && readFileSync(file, "utf8");
}

/** A packed chart is one folder, with its dependencies in folders below. */
function inArchive(file: string): string {
  const { list } = load("tar") as typeof Tar;
  const parts: Buffer[] = [];
  try {
    list({
      file,
      sync: true,
      strict: true,
      filter: (path) => /^[^/]+\/Chart\.yaml$/.test(path),
      onReadEntry: (entry) => entry.on("data", (part) => parts.push(part)),
    });
  } catch (cause) {
    throw new Error("it is not a packed chart, or it is damaged", { cause });
  }
  if (parts.length === 0) throw new Error("it has no Chart.yaml");
  return Buffer.concat(parts).toString();
}
