/** What `npm run rehearse` is told on the command line. */
import { extname } from "node:path";
import type { Question } from "../failures/cases.ts";
import { options } from "./command.ts";
import { enumerate } from "../report/explain.ts";
import { RehearsalError } from "../engine/fault.ts";

export interface Arguments {
  help: boolean;
  keep: boolean;
  stack?: string;
  chart?: string;
  /** Which nodes to take away once the stack runs. */
  whatIf?: Question;
  /** Paths of files that the report is written to. */
  reports: string[];
}

export const usage = `Rehearses a stack: deploys it with the real Pulumi engine to a real Kubernetes control plane whose nodes are simulated, and
tells where each pod would run, which would never start, and why. Touches no cluster and leaves nothing behind.

  npm run rehearse [-- --stack NAME] [--chart PATH] [--keep] [--report FILE]...
                   [--lose NODE,... | --lose-zone ZONE | --drain NODE,... | --each-node]

  --stack NAME       the stack whose Pulumi.NAME.yaml is rehearsed (default: test)
  --chart PATH       a chart on this machine in place of the stack's
  --keep             leaves cluster and database running after the report, until Ctrl-C
  --report FILE      writes the report to a file too, as Markdown (.md) or as a page (.html); may be given more than once
  --help             shows this

What if? Once the stack runs, in place of the second up, the refresh and the destroy:
  --lose NODE,...    these nodes die together
  --lose-zone ZONE   all nodes of a zone die together
  --drain NODE,...   these nodes are drained as kubectl drain does, one after the other
  --each-node        each node of the stack dies alone, one after the other

Exit status: 0 if the stack would start, stay as it is and go without a trace, or go on without those nodes; 1 if not; 2 if it could not be
rehearsed.`;

const formats = [".md", ".html"];
const questions = ["lose", "lose-zone", "drain", "each-node"] as const;

/** @throws RehearsalError for arguments that there are not, or not together */
export function argumentsIn(args: readonly string[]): Arguments {
  const values = options({
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
      help: { type: "boolean", default: false },
    },
  });
  const asked = questions.filter((name) => values[name] !== undefined).map((name) => `--${name}`);
  if (asked.length > 1) {
    const all = questions.map((name) => `--${name}`);
    throw new RehearsalError(`found ${enumerate(asked)}; allowed: one of ${all.join(", ")} at a time`);
  }
  const { help, keep, stack, chart, report: reports } = values;
  for (const file of reports) {
    if (formats.includes(extname(file))) continue;
    throw new RehearsalError(`--report: found "${file}"; allowed: a file that ends in ${formats.join(" or ")}`);
  }
  const question: Question = {
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
    ...(asked.length === 0 ? {} : { whatIf: question }),
  };
}

function namesIn(option: string, list: string): string[] {
  const names = list.split(",").map((name) => name.trim());
  if (names.includes("")) {
    throw new RehearsalError(`${option}: found "${list}"; allowed: names of nodes with commas between them`);
  }
  return names;
}
