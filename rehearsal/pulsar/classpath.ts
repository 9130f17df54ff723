/** Pulsar's classes from Maven Central, in Maven's local repository. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { extract } from "tar";
import { RehearsalError } from "../engine/fault.ts";
import { cacheFolder, withScratch } from "../tools/cache.ts";
import { which } from "../tools/findTool.ts";
import type { Workspace } from "../engine/workspace.ts";

/** The oldest Java that Pulsar 4.0 runs on. */
const oldestJava = 17;

/** The limit for a download of 250 MB by Maven, in milliseconds. */
const mavenLimit = 10 * 60_000;

/** Pulsar's server, of the line that chart 4.7.0 runs. */
const version = "4.0.8";

/** The sets of classes: of the distribution, and of a pom in this folder. */
export type Classes = "server" | "tools-2.7";

/**
 * The folder of Pulsar's binary distribution, with `bin`, `conf` and `lib`, in the cache.
 *
 * @throws RehearsalError if Java or Maven is missing or too old, or if Maven cannot download it
 */
export async function distribution(workspace: Workspace): Promise<string> {
  await requireJava(workspace);
  const name = `apache-pulsar-${version}`;
  const kept = join(cacheFolder(), name);
  if (existsSync(kept)) return kept;
  await withScratch(cacheFolder(), async (scratch) => {
    const artifact = `org.apache.pulsar:pulsar-server-distribution:${version}:tar.gz:bin`;
    await maven(["copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${scratch}`], workspace);
    // Not by the plugin's goal `unpack`, which cuts long names (2.8).
    await extract({ file: join(scratch, `pulsar-server-distribution-${version}-bin.tar.gz`), cwd: scratch });
    // Another run may have finished first.
    await rename(join(scratch, name), kept).catch((cause: unknown) => {
      if (!existsSync(kept)) throw cause;
    });
  });
  return kept;
}

/**
 * The classpath of the distribution, or of the dependencies of a pom. Maven takes ten seconds even if all jars are present, so the latter is cached
 * while the pom is unchanged and the jars exist.
 *
 * @throws RehearsalError if Java or Maven is missing or too old, or if Maven cannot download a jar
 */
export async function classpath(classes: Classes, workspace: Workspace): Promise<string> {
  if (classes === "server") return join(await distribution(workspace), "lib", "*");
  await requireJava(workspace);
  const pom = join(import.meta.dirname, `${classes}.pom.xml`);
  const key = createHash("sha256")
    .update(await readFile(pom))
    .digest("hex")
    .slice(0, 12);
  const kept = join(cacheFolder(), "classpaths", `${classes}-${key}`);
  const known = await readFile(kept, "utf8").catch(() => "");
  if (known !== "" && known.split(delimiter).every((jar) => existsSync(jar))) return known;

  const found = join(await workspace.folder("classpaths"), classes);
  await maven(["build-classpath", "--file", pom, `-Dmdep.outputFile=${found}`], workspace);
  const answer = (await readFile(found, "utf8")).trim();
  await mkdir(dirname(kept), { recursive: true });
  // Renamed within the cache, so that the file is always complete.
  const scratch = `${kept}.${process.pid}`;
  await writeFile(scratch, answer);
  await rename(scratch, kept);
  return answer;
}

/** Runs a goal of Maven's dependency plugin. */
async function maven([goal = "", ...options]: string[], workspace: Workspace): Promise<void> {
  if ((await which("mvn")) === undefined) {
    throw new RehearsalError(
      "Maven is needed to download Pulsar's classes, but there is no mvn on PATH; install it from https://maven.apache.org",
    );
  }
  const plugin = `org.apache.maven.plugins:maven-dependency-plugin:2.8:${goal}`;
  const result = await execa("mvn", ["--batch-mode", "--quiet", plugin, ...options], {
    env: workspace.env,
    extendEnv: false,
    cwd: workspace.dir,
    stdin: "ignore",
    all: true,
    timeout: mavenLimit,
    cancelSignal: workspace.signal,
    reject: false,
  });
  workspace.signal.throwIfAborted();
  if (result.timedOut) {
    throw new RehearsalError(`Maven did not download Pulsar's classes within ${mavenLimit / 60_000} minutes`);
  }
  if (result.failed) throw new RehearsalError(`Maven could not download Pulsar's classes: ${mavenFault(result.all)}`);
}

/** The first error line of Maven. The others are advice on how to run it. */
export function mavenFault(output: string): string {
  const first = output.split("\n").find((line) => line.includes("[ERROR]"));
  return first?.slice(first.indexOf("[ERROR]") + "[ERROR]".length).trim() ?? (output.trim() || "it printed nothing");
}

async function requireJava(workspace: Workspace): Promise<void> {
  const remedy = `install Java ${oldestJava} or later, which Pulsar needs, from https://adoptium.net`;
  if ((await which("java")) === undefined) throw new RehearsalError(`there is no java on PATH; ${remedy}`);
  const { failed, all } = await execa("java", ["-version"], {
    env: workspace.env,
    extendEnv: false,
    stdin: "ignore",
    all: true,
    timeout: 60_000,
    cancelSignal: workspace.signal,
    reject: false,
  });
  workspace.signal.throwIfAborted();
  const version = failed ? undefined : javaVersion(all);
  if (version === undefined || version < oldestJava) {
    const found = version === undefined ? "does not report its version" : `is Java ${version}`;
    throw new RehearsalError(`the java on PATH ${found}; ${remedy}`);
  }
}

/** The major version in the output of `java -version`: 17 of "17.0.15", 8 of "1.8.0_402". */
export function javaVersion(text: string): number | undefined {
  const found = /version "(?:1\.)?(\d+)/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
