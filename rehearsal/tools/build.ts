/** Builds tools from their published Go modules, at the versions and hashes that go/go.mod and go/go.sum lock. */
import { mkdir, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { execa } from "execa";
import { which } from "./found.ts";
import { goModule, goVersion, ToolError, type Pin, type Pins } from "./pins.ts";
import { endTogether } from "./processes.ts";

/** How often a long build says how far it is, in milliseconds. */
const reportEvery = 10_000;

/** Processor time for one package, linking included, in seconds: measured for all tools with Go 1.26.8. */
const secondsPerPackage = 0.23;

/** What `go list` and `go build` are told alike; `grpcnotrace` is gRPC's own tag that lets the linker drop unused code. */
const moduleFlags = ["-mod=readonly", "-tags=grpcnotrace"];

/**
 * What `go build` is told beside the packages. It is part of the cache's key. Debugging information is left out already when
 * compiling, which saves a good part of the time.
 */
export function buildFlags(pins: Pins): string[] {
  const kubernetes = pins["kube-apiserver"].version;
  const [major = "", minor = ""] = kubernetes.split(".");
  // Built without these, Pulumi and Kubernetes call themselves v0.0.0, which their clients cannot parse or refuse.
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
 * Builds the wanted tools into a folder under `scratch` and answers their files, in the order asked for. All of them come from one
 * module, so that what they share (most of Kubernetes' libraries) is compiled once.
 */
export async function buildTools(
  wanted: Pin[],
  options: { pins: Pins; scratch: string; log: (line: string) => void; signal: AbortSignal },
): Promise<string[]> {
  const { pins, scratch, log } = options;
  await requireGo(wanted, options);
  const names = wanted.map(({ name }) => name).join(", ");
  const commands = wanted.map(({ command }) => command);

  log(`fetching the Go modules of ${names}: up to 450 MB, where none is on this machine`);
  // `unsafe` is a part of the compiler.
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
    // With -v, go prints each package that it compiles on a line of its own. One command keeps all cores busy: a second one
    // beside it would compile the shared packages twice.
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

/** What is said before a build starts. */
export function announcement(names: string, total: number, cores: number): string {
  return `compiling ${names}: ${total} packages, ${wholeTime(total, cores)}, longer on a busy machine and shorter where Go has compiled some before; later rehearsals take the result from the cache`;
}

function wholeTime(total: number, cores: number): string {
  const minutes = Math.ceil((total * secondsPerPackage) / cores / 60);
  return `about ${count(minutes, "minute")} on ${count(cores, "core")}`;
}

/**
 * How far a build is, and how long it takes: at the rate of the last minute, and before there is one, by the announcement.
 *
 * @param history the number of compiled packages at the start and at each report since then; the last one is now
 */
export function progressOf(history: readonly number[], total: number, cores: number): string {
  const compiled = history.at(-1) ?? 0;
  if (compiled >= total) return `${total} packages compiled, linking`;
  const minuteAgo = history.at(-1 - 60_000 / reportEvery);
  const done = `${compiled} of ${total} packages compiled`;
  if (minuteAgo === undefined) return `${done}; all of them take ${wholeTime(total, cores)}`;
  if (minuteAgo === compiled) return done;
  return `${done}, about ${count(Math.ceil((total - compiled) / (compiled - minuteAgo)), "minute")} left`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** The file name that go gives to a command: its last path element that is no major version's suffix. */
export function goName(command: string): string {
  return basename(/\/v\d+$/.test(command) ? dirname(command) : command);
}

/** Says in one line what is missing where there is no Go, or none that can build the module. */
async function requireGo(wanted: Pin[], options: GoOptions): Promise<void> {
  const missing = wanted.map(({ name, version }) => `${name} ${version}`).join(", ");
  const cure = `install it from https://go.dev/dl, or put the official releases of ${missing} on PATH`;
  if ((await which("go")) === undefined) {
    throw new ToolError(`Go ${goVersion()} or later is needed to build ${missing}, and none is on PATH: ${cure}`);
  }
  try {
    await go(["list", "-m"], options);
  } catch (fault) {
    const found = /running go ([\w.]+)/.exec(String(fault))?.[1];
    if (found === undefined) throw fault;
    throw new ToolError(`Go ${goVersion()} or later is needed to build ${missing}, and PATH has ${found}: ${cure}`);
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
    // No C compiler is needed; no go.work of the user's changes what is built; go's own temporary files end with ours.
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
  const result = await endTogether(child, signal);
  signal.throwIfAborted();
  if (result.failed) throw new ToolError(`go ${args[0] ?? ""} failed:\n${lastLines(result.stderr)}`);
  return result.stdout;
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-15).join("\n");
}
