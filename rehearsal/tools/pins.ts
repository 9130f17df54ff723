/** The tools of a rehearsal and their versions, which are in go/go.mod only. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The Go module of each tool, whose version is that of the tool, and the command in it. */
const sources = {
  pulumi: { module: "github.com/pulumi/pulumi/pkg/v3", command: "cmd/pulumi" },
  helm: { module: "helm.sh/helm/v3", command: "cmd/helm" },
  etcd: { module: "go.etcd.io/etcd/server/v3", command: "." },
  "kube-apiserver": { module: "k8s.io/kubernetes", command: "cmd/kube-apiserver" },
  "kube-controller-manager": { module: "k8s.io/kubernetes", command: "cmd/kube-controller-manager" },
  "kube-scheduler": { module: "k8s.io/kubernetes", command: "cmd/kube-scheduler" },
  kwok: { module: "sigs.k8s.io/kwok", command: "cmd/kwok" },
  kwokctl: { module: "sigs.k8s.io/kwok", command: "cmd/kwokctl" },
} as const satisfies Record<string, { module: string; command: string }>;

export type ToolName = keyof typeof sources;
export const toolNames = Object.keys(sources) as ToolName[];

export interface Pin {
  name: ToolName;
  /** Without a leading `v`: `1.37.2`. */
  version: string;
  /** Import path of the Go command. */
  command: string;
}

export type Pins = Record<ToolName, Pin>;

/** The folder of go.mod and go.sum, which lock every module of the tools. */
export const goModule = join(import.meta.dirname, "go");

const readGoMod = (): string => readFileSync(join(goModule, "go.mod"), "utf8");

/** The oldest Go that can build the tools: `1.26.0`. */
export function goVersion(goMod = readGoMod()): string {
  return /^go (\S+)$/m.exec(goMod)?.[1] ?? "";
}

/** The pins in the text of a go.mod. */
export function readPins(goMod = readGoMod()): Pins {
  const pin = (name: ToolName): Pin => {
    const { module, command } = sources[name];
    const version = goMod.split("\n").flatMap((line) => {
      const [path, version] = line.trim().split(" ");
      return path === module && version?.startsWith("v") ? [version.slice(1)] : [];
    })[0];
    if (version === undefined) throw new Error(`go.mod requires no ${module}`);
    return { name, version, command: command === "." ? module : `${module}/${command}` };
  };
  return Object.fromEntries(toolNames.map((name) => [name, pin(name)])) as Pins;
}

/**
 * Whether a tool on the machine can be used instead of the pinned one. The Kubernetes servers must have exactly the pinned version. The others may
 * be newer within the same major version or, below 1.0, have the same minor version: within these, they promise compatibility.
 */
export function isSuitable(pin: Pin, found: string): boolean {
  if (pin.name.startsWith("kube-")) return found === pin.version;
  const [wantedMajor = 0, wantedMinor = 0] = pin.version.split(".").map(Number);
  const [major = 0, minor = 0] = found.split(".").map(Number);
  return major === wantedMajor && (major === 0 ? minor === wantedMinor : minor >= wantedMinor);
}
