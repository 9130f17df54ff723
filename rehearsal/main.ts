/** `npm run rehearse`: the rehearsal on the command line. */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { fullName } from "../components/charts/names.ts";
import { progressOn } from "./progress.ts";
import { rehearseOn } from "./rehearse.ts";
import { RehearsalError, withRehearsal, type Stage } from "./stage.ts";
import { Interrupted } from "./workspace.ts";

const usage = `Rehearses a stack: deploys it with the real Pulumi engine to a real Kubernetes control plane whose nodes are simulated, and
tells where each pod would run, which would never start, and why. Touches no cluster and leaves nothing behind.

  npm run rehearse [-- --stack NAME] [--keep] [--chart PATH]

  --stack NAME   the stack whose Pulumi.NAME.yaml is rehearsed (default: test)
  --chart PATH   a chart on this machine in place of the stack's
  --keep         leaves cluster and database running after the report, until Ctrl-C
  --help         shows this

Exit status: 0 if the stack would start, stay as it is and go without a trace; 1 if not; 2 if it could not be rehearsed.`;

/** Faults that their message tells wholly. Whatever else is thrown is a fault of the rehearsal, and comes with its stack. */
const expected = new Set(["RehearsalError", "EngineError", "ToolError"]);

function argumentsGiven() {
  try {
    return parseArgs({
      options: {
        stack: { type: "string" },
        chart: { type: "string" },
        keep: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (cause) {
    throw new RehearsalError(`${(cause as Error).message} (--help shows what there is)`, { cause });
  }
}

async function main(): Promise<number> {
  const values = argumentsGiven();
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const { keep, stack, chart } = values;
  const options = {
    ...(stack === undefined ? {} : { stack }),
    ...(chart === undefined ? {} : { chart }),
    progress: progressOn(process.stdout),
    log: (line: string) => {
      console.log(line);
    },
  };
  return withRehearsal(options, async (stage) => {
    const { report, verdict } = await rehearseOn(stage, { keep });
    console.log(`\n${report}`);
    if (keep) await keepUp(stage);
    return verdict.ok ? 0 : 1;
  });
}

/** Says how to look around and waits for Ctrl-C. */
async function keepUp({ cluster, postgres, settings, workspace }: Stage): Promise<void> {
  const { namespace, release, managerDatabase } = settings;
  const secret = `kubectl get secret -n ${namespace} ${fullName(release)}-manager-database`;
  console.log(`
Everything is left running until Ctrl-C. To look around:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get pods -n ${namespace} -o wide
  helm list -n ${namespace}
  export PGPASSWORD=$(${secret} -o jsonpath='{.data.PULSAR_MANAGER_ADMIN_PASSWORD}' | base64 -d)
  psql "host=${postgres.host} port=${postgres.port} dbname=${managerDatabase.name} user=${managerDatabase.user}"`);
  if (!workspace.signal.aborted) await once(workspace.signal, "abort");
}

try {
  process.exitCode = await main();
} catch (fault) {
  if (fault instanceof Interrupted) {
    console.error(fault.message);
    process.exitCode = fault.exitCode;
  } else if (fault instanceof Error && expected.has(fault.name)) {
    console.error(fault.message);
    process.exitCode = 2;
  } else {
    throw fault;
  }
}
