/** The options of a rehearsal on an existing cluster. */
import { enumerate } from "../report/explain.ts";
import { RehearsalError } from "../engine/fault.ts";
import { name as dnsName } from "../../model/scalars.ts";
import type { Settings } from "../../settings/resolve.ts";

/** What follows the first `up`, in this order. */
export const steps = [
  "messages",
  "second-up",
  "refresh",
  "value",
  "rotation",
  "renewal",
  "ca-rotation",
  "drain",
  "destroy",
] as const;
export type Step = (typeof steps)[number];

export interface ClusterArguments {
  /** The context of the kubeconfig. */
  context: string;
  /** Path of the kubeconfig. @default as kubectl finds it */
  kubeconfig?: string;
  /** Whether everything in the cluster may be lost. @default what a label of the namespace kube-system says */
  disposable: boolean;
  /** The cluster's node for each node of the stack. @default the nodes of the same names */
  nodes: ReadonlyMap<string, string>;
  /** Whether requests and memory of the pods are replaced by those that fit a laptop. */
  small: boolean;
  /** The address of this machine's PostgreSQL as pods reach it. @default this machine's address in the network of the nodes */
  databaseHost?: string;
  /** Path of a Docker configuration to pull images with. @default images are pulled without credentials */
  pullCredentials?: string;
  /** @default all that apply to the stack */
  steps?: readonly Step[];
  /** Name of the cluster's node to drain. */
  drain?: string;
  /** Whether the stack is also rehearsed on simulated nodes, and the pods' nodes are compared. */
  compare: boolean;
}

/** For `parseArgs`. */
export const clusterOptions = {
  context: { type: "string" },
  kubeconfig: { type: "string" },
  disposable: { type: "boolean", default: false },
  nodes: { type: "string" },
  small: { type: "boolean", default: false },
  "database-host": { type: "string" },
  "pull-credentials": { type: "string" },
  steps: { type: "string" },
  compare: { type: "boolean", default: false },
} as const;

type Values = {
  [K in keyof typeof clusterOptions]?: (typeof clusterOptions)[K]["type"] extends "boolean" ? boolean : string;
} & { drain?: string };

/**
 * @returns undefined without --context
 * @throws RehearsalError for values that cannot be read, and for options that need --context
 */
export function clusterArguments(values: Values): ClusterArguments | undefined {
  const { context, kubeconfig, nodes, drain } = values;
  if (context === undefined) {
    const given = (Object.keys(clusterOptions) as (keyof typeof clusterOptions)[]).filter((name) => values[name]);
    if (given.length === 0) return undefined;
    throw new RehearsalError(`${enumerate(given.map((name) => `--${name}`))}: need a cluster; add --context NAME`);
  }
  if (drain?.includes(",")) throw new RehearsalError(`--drain: "${drain}" is not valid with --context; use one node`);
  const databaseHost = values["database-host"];
  const pullCredentials = values["pull-credentials"];
  return {
    context,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    disposable: values.disposable ?? false,
    nodes: nodes === undefined ? new Map() : mapping(nodes),
    small: values.small ?? false,
    ...(databaseHost === undefined ? {} : { databaseHost }),
    ...(pullCredentials === undefined ? {} : { pullCredentials }),
    ...(values.steps === undefined ? {} : { steps: chosen(values.steps) }),
    ...(drain === undefined ? {} : { drain }),
    compare: values.compare ?? false,
  };
}

function mapping(list: string): Map<string, string> {
  const pairs = list.split(",").map((pair) => pair.trim().split("="));
  const nodes = new Map(pairs.map(([ours = "", theirs = ""]) => [ours, theirs]));
  const isValid =
    pairs.every((pair) => pair.length === 2 && !pair.includes("")) &&
    nodes.size === pairs.length &&
    new Set(nodes.values()).size === pairs.length;
  if (isValid) {
    for (const name of nodes.values()) {
      const { error } = dnsName.safeParse(name);
      if (error) throw new RehearsalError(`--nodes: "${name}" is not valid; use ${error.issues[0]?.message ?? ""}`);
    }
    return nodes;
  }
  throw new RehearsalError(
    `--nodes: "${list}" is not valid; use node1=NODE,... with each node of the stack and of the cluster once`,
  );
}

function chosen(list: string): Step[] {
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.filter((name) => !steps.some((step) => step === name));
  if (unknown.length === 0) return steps.filter((step) => names.includes(step));
  throw new RehearsalError(`--steps: "${unknown.join(",")}" is not valid; use some of ${steps.join(", ")}`);
}

/** The chosen steps, or all that apply to the stack. Each chosen one that does not is a fault. */
export function stepsFor(
  { steps: chosen, drain }: ClusterArguments,
  { tls }: Pick<Settings, "tls">,
): { steps: readonly Step[]; faults: string[] } {
  const missing = new Map<Step, string>();
  if (drain === undefined) missing.set("drain", "--drain NODE");
  if (!tls.enabled) missing.set("renewal", "pulsar:tls.enabled");
  if (!tls.enabled || tls.issuer !== "stack") missing.set("ca-rotation", "pulsar:tls.enabled with the issuer stack");
  if (chosen === undefined) return { steps: steps.filter((step) => !missing.has(step)), faults: [] };
  const faults = [...missing].filter(([step]) => chosen.includes(step));
  return {
    steps: chosen,
    faults: faults.map(([step, what]) => `--steps: ${step} needs ${what}; set it, or leave the step out`),
  };
}
