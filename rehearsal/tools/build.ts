/** Builds tools from their published Go modules, at the versions and hashes in go/go.mod and go/go.sum. */
import { mkdir, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { RehearsalError } from "../engine/fault.ts";
import { which } from "./findTool.ts";
import { goModule, goVersion, type Pin, type Pins } from "./pins.ts";
import { awaitSession } from "./processes.ts";

/** The interval between two progress lines of a build, in milliseconds. */
const reportEvery = 10_000;

/** CPU time for one package including linking, in seconds. Measured for all tools with Go 1.26.8. */
const secondsPerPackage = 0.23;

/** Flags of `go list` and `go build`. gRPC's tag `grpcnotrace` allows the linker to drop unused code. */
const moduleFlags = ["-mod=readonly", "-tags=grpcnotrace"];

/**
 * Further flags of `go build`. They are part of the cache key. Debugging information is already left out by the compiler, which makes the build
 * much faster.
 */
export function buildFlags(pins: Pins): string[] {
  const kubernetes = pins["kube-apiserver"].version;
  const [major = "", minor = ""] = kubernetes.split(".");
  // Without these, Pulumi and Kubernetes report v0.0.0, which their clients cannot parse or do not accept.
  const variables = {
    "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": pins.pulumi.version,
    "helm.sh/helm/v3/internal/version.version": `v${pins.helm.version}`,
    "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": major,
    "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": minor,
    "k8s.io/client-go/pkg/version.gitVersion": `v${kubernetes}`,
    "k8s.io/component-base/version.gitVersion": `v${kubernetes}`,
    "k8s.io/component-base/version.gitMajor": major,
    "k8s.io/component-base/version.gitMinor": minor,
    "sigs.k8s.io/kwok/pkg/consts.Version": `v${pins.kwok.version}`,
    "sigs.k8s.io/kwok/pkg/consts.KubeVersion": `v${kubernetes}`,
  };
  const link = Object.entries(variables).map(([name, value]) => `-X ${name}=${value}`);
  return ["-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false", `-ldflags=-s -w ${link.join(" ")}`];
}

/**
 * Builds tools in a folder under `scratch`. All of them are in one module, so that shared packages (most of Kubernetes' libraries) are compiled
 * once.
 *
 * @returns their files, in the order of `wanted`
 */
export async function buildTools(
  wanted: Pin[],
  options: { pins: Pins; scratch: string; log: (line: string) => void; signal: AbortSignal },
): Promise<string[]> {
  const { pins, scratch, log } = options;
  await requireGo(wanted, options);
  const names = wanted.map(({ name }) => name).join(", ");
  const commands = wanted.map(({ command }) => command);

  log(`downloading the Go modules of ${names}: up to 450 MB, if none of them is in Go's module cache`);
  // `unsafe` is part of the compiler.
  const listed = (await go(["list", "-deps", ...moduleFlags, ...commands], options)).split("\n");
  const total = listed.filter((name) => name !== "unsafe").length;
  const cores = availableParallelism();
  log(announcement(names, total, cores));

  const history = [0];
  let compiled = 0;
  const timer = setInterval(() => {
    history.push(compiled);
    log(progressOf(history, total, cores));
  }, reportEvery);
  const output = join(scratch, "built");
  await mkdir(output);
  try {
    // With -v, go prints a line for each package that it compiles. A single command uses all cores; several ones would compile the shared
    // packages more than once.
    await go(
      ["build", "-v", ...moduleFlags, ...buildFlags(pins), "-o", output, ...commands],
      options,
      () => compiled++,
    );
  } finally {
    clearInterval(timer);
  }
  return Promise.all(
    wanted.map(async ({ name, command }) => {
      const file = join(output, name);
      await rename(join(output, goName(command)), file);
      return file;
    }),
  );
}

/** The line before a build starts. */
export function announcement(names: string, total: number, cores: number): string {
  return `compiling ${names}: ${total} packages, ${totalTime(total, cores)}, longer on a busy machine and shorter if Go's build cache has some of them; later rehearsals reuse the result`;
}

function totalTime(total: number, cores: number): string {
  const minutes = Math.ceil((total * secondsPerPackage) / cores / 60);
  return `about ${count(minutes, "minute")} on ${count(cores, "core")}`;
}

/**
 * The progress of a build and the time left: at the rate of the last minute, or during the first minute as announced.
 *
 * @param history the number of compiled packages at the start and at each report since then; the last one is the present number
 */
export function progressOf(history: readonly number[], total: number, cores: number): string {
  const compiled = history.at(-1) ?? 0;
  if (compiled >= total) return `${total} packages compiled, linking`;
  const minuteAgo = history.at(-1 - 60_000 / reportEvery);
  const done = `${compiled} of ${total} packages compiled`;
  if (minuteAgo === undefined) return `${done}; the whole build takes ${totalTime(total, cores)}`;
  if (minuteAgo === compiled) return done;
  return `${done}, about ${count(Math.ceil((total - compiled) / (compiled - minuteAgo)), "minute")} left`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** The file name that go gives to a command: the last path element that is not a major version suffix. */
export function goName(command: string): string {
  return basename(/\/v\d+$/.test(command) ? dirname(command) : command);
}

/** @throws RehearsalError with one line if there is no Go, or only one that cannot build the module */
async function requireGo(wanted: Pin[], options: GoOptions): Promise<void> {
  const missing = wanted.map(({ name, version }) => `${name} ${version}`).join(", ");
  const remedy = `install it from https://go.dev/dl, or put the official releases of ${missing} on PATH`;
  if ((await which("go")) === undefined) {
    throw new RehearsalError(
      `Go ${goVersion()} or later is needed to build ${missing}, but there is no go on PATH; ${remedy}`,
    );
  }
  try {
    await go(["list", "-m"], options);
  } catch (fault) {
    const found = /running go ([\w.]+)/.exec(String(fault))?.[1];
    if (found === undefined) throw fault;
    throw new RehearsalError(
      `Go ${goVersion()} or later is needed to build ${missing}, but the go on PATH is ${found}; ${remedy}`,
    );
  }
}

interface GoOptions {
  scratch: string;
  signal: AbortSignal;
}

async function go(args: string[], { scratch, signal }: GoOptions, onLine?: () => void): Promise<string> {
  signal.throwIfAborted();
  const child = execa("go", args, {
    cwd: goModule,
    // No C compiler is needed, a go.work of the user has no effect, and go's temporary files are removed with `scratch`.
    env: { CGO_ENABLED: "0", GOWORK: "off", GOTMPDIR: scratch },
    detached: true,
    stdin: "ignore",
    stderr: [
      function* (line: unknown) {
        onLine?.();
        yield line;
      },
    ],
    reject: false,
  });
  const result = await awaitSession(child, signal);
  signal.throwIfAborted();
  if (result.failed) throw new RehearsalError(`go ${args[0] ?? ""} failed:\n${lastLines(result.stderr)}`);
  return result.stdout;
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-15).join("\n");
}
