/** `npm run rehearse`. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { fullName } from "../../model/charts/names.ts";
import type { Settings } from "../../settings/resolve.ts";
import { argumentsIn, usage } from "./arguments.ts";
import { passwordKey } from "../cluster/databases.ts";
import { failureCases } from "../failures/cases.ts";
import { requireWritable, run } from "./command.ts";
import { linesOn, progressOn } from "./progress.ts";
import { rehearseOn, type RehearsalResult } from "../rehearse.ts";
import type { RehearsalRecord } from "../report/record.ts";
import { verdict } from "../report/report.ts";
import { withRehearsal, type Stage } from "../stage.ts";

async function main(): Promise<number> {
  const { help, keep, stack, chart, whatIf, reports, stackFiles, standIns, cluster } = argumentsIn(
    process.argv.slice(2),
  );
  if (help) {
    console.log(usage);
    return 0;
  }
  for (const file of reports) await requireWritable("--report", file);
  const shared = {
    stack,
    chart,
    stackFiles: stackFiles === undefined ? undefined : resolve(stackFiles),
    standIns,
    log(line: string) {
      console.log(line);
    },
  };
  const show = async ({ record, report }: RehearsalResult): Promise<void> => {
    console.log(`\n${report}`);
    for (const file of reports) await writeFile(file, await rendered(file, record));
  };
  if (cluster) {
    const { rehearseOnCluster } = await import("../realCluster/rehearse.ts");
    const beforeRemoval = async (stage: Stage, result: RehearsalResult): Promise<void> => {
      await show(result);
      await keepRunning(stage);
    };
    // Lines about the pods are printed while a step runs.
    const progress = linesOn(process.stdout);
    const result = await rehearseOnCluster(cluster, {
      ...shared,
      progress,
      beforeRemoval: keep ? beforeRemoval : undefined,
    });
    await show(result);
    return result.verdict.ok ? 0 : 1;
  }
  const options = {
    ...shared,
    check: ({ layout: { nodes } }: Pick<Settings, "layout">) => void (whatIf && failureCases(whatIf, nodes)),
    // A rehearsal that is killed is never continued.
    skipCheckpoints: true,
    progress: progressOn(process.stdout),
  };
  return withRehearsal(options, async (stage) => {
    const result = await rehearseOn(stage, { keep, whatIf });
    await show(result);
    if (keep) await keepRunning(stage);
    return result.verdict.ok ? 0 : 1;
  });
}

async function rendered(file: string, record: RehearsalRecord): Promise<string> {
  if (extname(file) === ".md") return (await import("../report/markdown.ts")).renderMarkdown(record);
  if (extname(file) === ".json") return `${JSON.stringify({ stack: record.stack, ...verdict(record) }, null, 2)}\n`;
  return (await import("../report/page.ts")).renderPage(record);
}

/** Prints how to inspect the cluster and waits for Ctrl-C. */
async function keepRunning({ cluster, postgres, settings, workspace }: Stage): Promise<void> {
  const { namespace, release, managerDatabase } = settings;
  const secret = `kubectl get secret -n ${namespace} ${fullName(release)}-manager-database`;
  console.log(`
Everything keeps running until Ctrl-C. To inspect it:
  export KUBECONFIG=${cluster.kubeconfig}
  kubectl get pods -n ${namespace} -o wide
  helm list -n ${namespace}
  export PGPASSWORD=$(${secret} -o jsonpath='{.data.${passwordKey(settings.chart.version)}}' | base64 -d)
  psql "host=${postgres.host} port=${postgres.port} dbname=${managerDatabase.name} user=${managerDatabase.user}"`);
  if (!workspace.signal.aborted) await once(workspace.signal, "abort");
}

await run(main);
// A closed client of Pulsar keeps the process alive (pulsar-client 1.18.0).
process.exit();
