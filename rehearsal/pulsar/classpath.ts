/** The classes of Pulsar, from Maven Central by Maven, which keeps them in its own cache. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { RehearsalError } from "../engine/fault.ts";
import { cacheFolder } from "../tools/cache.ts";
import { which } from "../tools/found.ts";
import type { Workspace } from "../engine/workspace.ts";

/** The oldest Java that Pulsar 4.0 runs on. */
const oldestJava = 17;

/** How long Maven may take to load some hundred jars, in milliseconds. */
const mavenLimit = 10 * 60_000;

/** What there are classes of: one pom each, beside this file. */
export type Classes = "server" | "tools-2.7";

/**
 * The classpath of what a pom depends on. Maven takes ten seconds to find out what it found out before, so the answer is kept in the
 * user's cache for as long as the pom stays as it is and the jars are where they were.
 *
 * @throws RehearsalError where Java or Maven is missing or too old, or Maven cannot get a jar
 */
export async function classpath(classes: Classes, workspace: Workspace): Promise<string> {
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
  await resolve(pom, found, workspace);
  const answer = (await readFile(found, "utf8")).trim();
  await mkdir(dirname(kept), { recursive: true });
  // Renamed within the cache, so that whoever reads it finds a whole file.
  const scratch = `${kept}.${process.pid}`;
  await writeFile(scratch, answer);
  await rename(scratch, kept);
  return answer;
}

async function resolve(pom: string, output: string, workspace: Workspace): Promise<void> {
  if ((await which("mvn")) === undefined) {
    throw new RehearsalError(
      "Maven is needed to load Pulsar's classes, and there is no mvn on PATH: install it from https://maven.apache.org",
    );
  }
  const result = await execa(
    "mvn",
    [
      "--batch-mode",
      "--quiet",
      "--file",
      pom,
      "org.apache.maven.plugins:maven-dependency-plugin:2.8:build-classpath",
      `-Dmdep.outputFile=${output}`,
    ],
    {
      env: workspace.env,
      extendEnv: false,
      cwd: workspace.dir,
      stdin: "ignore",
      all: true,
      timeout: mavenLimit,
      cancelSignal: workspace.signal,
      reject: false,
    },
  );
  workspace.signal.throwIfAborted();
  if (result.timedOut) {
    throw new RehearsalError(`Maven did not load Pulsar's classes within ${mavenLimit / 60_000} minutes`);
  }
  if (result.failed) throw new RehearsalError(`Maven could not load Pulsar's classes: ${mavenFault(result.all)}`);
}

/** The first line in which Maven says what went wrong; the others are advice on how to run it. */
export function mavenFault(output: string): string {
  const first = output.split("\n").find((line) => line.includes("[ERROR]"));
  return first?.slice(first.indexOf("[ERROR]") + "[ERROR]".length).trim() ?? (output.trim() || "it said nothing");
}

async function requireJava(workspace: Workspace): Promise<void> {
  const cure = `Pulsar needs Java ${oldestJava} or later: install one from https://adoptium.net`;
  if ((await which("java")) === undefined) throw new RehearsalError(`there is no java on PATH; ${cure}`);
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
    const found = version === undefined ? "does not tell its version" : `is Java ${version}`;
    throw new RehearsalError(`the java on PATH ${found}; ${cure}`);
  }
}

/** The major version in what `java -version` prints: 17 of "17.0.15", 8 of "1.8.0_402". */
export function javaVersion(text: string): number | undefined {
  const found = /version "(?:1\.)?(\d+)/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
