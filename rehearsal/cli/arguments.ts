/** The command line of `npm run rehearse`. */
import { extname } from "node:path";
import type { FailureOptions } from "../failures/cases.ts";
import { valuesIn } from "./command.ts";
import { enumerate } from "../report/explain.ts";
import { RehearsalError } from "../engine/fault.ts";
import { type ClusterArguments, clusterArguments, clusterOptions, steps } from "../realCluster/arguments.ts";

export interface Arguments {
  help: boolean;
  keep: boolean;
  stack?: string;
  chart?: string;
  /** Which nodes fail or are drained once the stack runs. */
  whatIf?: FailureOptions;
  /** Paths of the files to write the report to. */
  reports: string[];
  /** Path of the folder of the stack files. */
  stackFiles?: string;
  /** Whether stand-ins replace the vendors' plugins: always, never, or where those are not available. */
  standIns?: "always" | "never";
  /** The existing cluster to rehearse on. */
  cluster?: ClusterArguments;
}

export const usage = `Rehearses a stack: deploys it with the real Pulumi engine to a real Kubernetes control plane with simulated nodes, and reports
where each pod runs, which pods cannot start, and why. Without --context it uses no existing cluster. It leaves nothing behind.

  npm run rehearse [-- --stack NAME] [--chart PATH] [--keep] [--report FILE]...
                   [--lose NODE,... | --lose-zone ZONE | --drain NODE,... | --each-node]

  --stack NAME       the stack to rehearse, from Pulumi.NAME.yaml (default: test)
  --chart PATH       a local chart to use instead of the stack's
  --keep             keep the cluster and the database running after the report, until Ctrl-C
  --report FILE      also write the report to a file, as Markdown (.md), as an HTML page (.html), or its verdict (.json); can be repeated
  --stack-files DIR  the folder of the stack file (default: this project)
  --stand-ins        use the stand-ins even where the vendors' plugins are installed; --no-stand-ins: never use them
  --help             show this help

On an existing cluster, where the containers run and real messages go through:
  --context NAME          the kubeconfig context of the cluster; a context that a stack file names is refused
  --kubeconfig FILE       the kubeconfig (default: as kubectl finds it)
  --disposable            everything in the cluster may be lost; or label it: kubectl label ns kube-system pulsar-stack/disposable=true
  --nodes OURS=THEIRS,... the cluster's node for each node of the stack (default: the nodes of the same names)
  --small                 requests and memory for a laptop instead of the stack's
  --database-host HOST    this machine's address for the pods (default: its address in the network of the nodes)
  --pull-credentials FILE a Docker configuration with the credentials of the registry
  --steps STEP,...        what follows up: some of ${steps.join(", ")} (default: all that apply to the stack)
  --drain NODE            one of the steps: cordon this node and evict its pods, then uncordon it
  --compare               first rehearse on simulated nodes, and compare where the pods run
  --keep                  keep the stack until Ctrl-C, then remove it

Failures, simulated once the stack runs, instead of the second up, the refresh and the destroy:
  --lose NODE,...    these nodes fail together
  --lose-zone ZONE   all nodes of a zone fail together
  --drain NODE,...   these nodes are drained one after the other, as by kubectl drain
  --each-node        each node of the stack fails in turn, alone

Exit status: 0 if the stack starts, a second up and a refresh change nothing, and destroy removes everything, or if the service
survives the failure; 1 if not; 2 if the rehearsal cannot run.`;

const formats = [".md", ".html", ".json"];
const failureOptions = ["lose", "lose-zone", "drain", "each-node"] as const;

/** @throws RehearsalError for unknown arguments and for arguments that exclude each other */
export function argumentsIn(args: readonly string[]): Arguments {
  const values = valuesIn({
    args: [...args],
    options: {
      stack: { type: "string" },
      chart: { type: "string" },
      keep: { type: "boolean", default: false },
      report: { type: "string", multiple: true, default: [] },
      lose: { type: "string" },
      "lose-zone": { type: "string" },
      drain: { type: "string" },
      "each-node": { type: "boolean" },
      "stack-files": { type: "string" },
      "stand-ins": { type: "boolean" },
      "no-stand-ins": { type: "boolean" },
      help: { type: "boolean", default: false },
      ...clusterOptions,
    },
  });
  const given = failureOptions.filter((name) => values[name] !== undefined).map((name) => `--${name}`);
  if (given.length > 1) {
    const all = failureOptions.map((name) => `--${name}`);
    throw new RehearsalError(`${enumerate(given)}: cannot be combined; use one of ${all.join(", ")}`);
  }
  const { help, keep, stack, chart, report: reports, "stack-files": stackFiles } = values;
  const cluster = clusterArguments(values);
  const simulated = given.filter((name) => name !== "--drain");
  if (cluster && simulated.length > 0) {
    throw new RehearsalError(`${enumerate(simulated)}: only simulated nodes can fail; leave it out, or --context`);
  }
  if (values["stand-ins"] && values["no-stand-ins"]) {
    throw new RehearsalError("--stand-ins and --no-stand-ins: exclude each other; use one of them");
  }
  for (const file of reports) {
    if (formats.includes(extname(file))) continue;
    throw new RehearsalError(`--report: "${file}" is not valid; use a file that ends in ${formats.join(", ")}`);
  }
  const failures: FailureOptions = {
    ...(values.lose === undefined ? {} : { lose: namesIn("--lose", values.lose) }),
    ...(values["lose-zone"] === undefined ? {} : { loseZone: values["lose-zone"] }),
    ...(values.drain === undefined ? {} : { drain: namesIn("--drain", values.drain) }),
    ...(values["each-node"] === undefined ? {} : { eachNode: values["each-node"] }),
  };
  return {
    help,
    keep,
    reports,
    ...(stack === undefined ? {} : { stack }),
    ...(chart === undefined ? {} : { chart }),
    ...(stackFiles === undefined ? {} : { stackFiles }),
    ...(values["stand-ins"] ? { standIns: "always" } : values["no-stand-ins"] ? { standIns: "never" } : {}),
    ...(cluster ? { cluster } : {}),
    ...(given.length === 0 || cluster ? {} : { whatIf: failures }),
  };
}

function namesIn(option: string, list: string): string[] {
  const names = list.split(",").map((name) => name.trim());
  if (names.includes("")) {
    throw new RehearsalError(`${option}: "${list}" is not valid; use names of nodes, separated by commas`);
  }
  return names;
}
