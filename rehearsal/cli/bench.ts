/** `npm run bench`: compares a preview of the test stack with one of a flat program that registers the same resources. */
import { randomBytes } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { differences, median, plannedTypes, ratioOf, type Pair } from "../bench/measure.ts";
import { command } from "./command.ts";
import { type Outcome, Stack, type StackConfig } from "../engine/stack.ts";
import { pluginFolders, standInChart, standInPlugins } from "../stage.ts";
import { RehearsalError } from "../engine/fault.ts";
import { dockerConfig } from "../engine/stackSettings.ts";
import { chartRepositoryAnswers, findPlugins } from "../tools/plugins.ts";
import { prepareTools } from "../tools/tools.ts";
import { Interrupted, openWorkspace, type Workspace } from "../engine/workspace.ts";

const usage = `Compares previews of the test stack and of a flat program that registers the resources of its golden file (rehearsal/bench/flat), on
the same engine and plugins, in alternating runs. Neither stack is deployed, and no cluster is used.

  npm run bench [-- --runs N]

  --runs N   number of measured pairs, after one warm-up pair (default: 7)
  --help     show this help

Exit status: 0 if measured, whatever the ratio; 1 if a preview fails or the two plan different resources; 2 for an unknown option or a missing tool.`;

const options = { runs: { type: "string", default: "7" } } as const;

/** The highest acceptable ratio. */
const target = 1.25;

const project = resolve(import.meta.dirname, "../..");
const flatProject = join(import.meta.dirname, "../bench/flat");
/** The golden file is made of these, so that the comparison does not depend on what users write. */
const testStackFiles = join(project, "tests/fixtures");
const chartRepository = "https://pulsar.apache.org/charts";
/** The version that both programs install. */
const chartVersion = "2.7.7";

/** A preview that fails, or two that cannot be compared. */
class BenchError extends Error {
  override name = "BenchError";
}

await command({ usage, options, exitCodes: { BenchError: 1 } }, async ({ runs }) => {
  if (!/^[1-9]\d*$/.test(runs)) {
    throw new RehearsalError(`--runs: "${runs}" is not valid; use a whole number of at least 1`);
  }
  const workspace = await openWorkspace();
  try {
    await compare(workspace, Number(runs));
  } catch (fault) {
    // An interrupted preview fails in many ways; report the interruption.
    throw workspace.signal.reason instanceof Interrupted ? workspace.signal.reason : fault;
  } finally {
    await workspace.close();
  }
  return 0;
});

async function compare(workspace: Workspace, runs: number): Promise<void> {
  const { stackFor, standInNames } = await engine(workspace);
  if (standInNames.length > 0) console.log(`stand-ins: ${standInNames.join(", ")}`);
  const [program, flat] = [
    await stackFor(project, "program", testStackFiles),
    await stackFor(flatProject, "flat", flatProject),
  ];

  // The first run of each fills the caches of the operating system and Node.js.
  const first = { program: await previewed(program, "the stack"), flat: await previewed(flat, "the flat program") };
  const planned = plannedTypes(first.program.text);
  if (planned.size === 0) throw new BenchError(`the preview of the stack plans no resource:\n${first.program.text}`);
  const different = differences(planned, plannedTypes(first.flat.text));
  if (different.length > 0) throw new BenchError(`the previews plan different resources:\n  ${different.join("\n  ")}`);

  console.log("preview  stack    flat");
  const pairs: Pair[] = [];
  for (let run = 1; run <= runs; run++) {
    const pair = {
      program: (await previewed(program, "the stack")).seconds,
      flat: (await previewed(flat, "the flat program")).seconds,
    };
    pairs.push(pair);
    console.log(line(String(run), pair));
  }
  const medians = { program: median(pairs.map((pair) => pair.program)), flat: median(pairs.map((pair) => pair.flat)) };
  console.log(line("median", medians));
  console.log(`target: ${target.toFixed(2)} or less`);
  console.log(`ratio ${ratioOf(pairs).toFixed(2)}`);
}

function line(title: string, { program, flat }: Pair): string {
  return `${title.padEnd(7)}  ${program.toFixed(2)} s   ${flat.toFixed(2)} s`;
}

/** Tools and plugins as in a rehearsal, without a control plane or a database. */
async function engine(workspace: Workspace) {
  const { signal } = workspace;
  const log = (text: string) => {
    console.log(text);
  };
  const { tools, report } = await prepareTools({ log, signal });
  const version = report.find(({ name }) => name === "pulumi")?.version ?? "";
  const plugins = await findPlugins({ log, signal, pulumi: { file: tools.pulumi, version }, standIns: standInPlugins });
  const chartReachable = await chartRepositoryAnswers(chartRepository, signal);
  const config: StackConfig = {
    plain: chartReachable ? {} : { "pulsar:chart.source": standInChart(chartVersion) },
    secret: secrets(),
  };
  return {
    standInNames: [
      ...plugins.filter(({ origin }) => origin === "stand-in").map(({ name }) => `plugin ${name}`),
      ...(chartReachable ? [] : ["chart"]),
    ],
    stackFor: async (projectDir: string, folder: string, stackFiles: string) =>
      Stack.create(
        {
          pulumi: tools.pulumi,
          projectDir,
          stackFiles,
          workDir: await workspace.folder(folder),
          path: [...pluginFolders(plugins), dirname(tools.helm), join(project, "node_modules/.bin")],
          // The user's kubeconfig must not be used.
          env: { ...workspace.env, KUBECONFIG: join(workspace.dir, "no-kubeconfig") },
          signal,
        },
        "test",
        config,
      ),
  };
}

function secrets(): Record<string, string> {
  return {
    "pulsar:managerDatabasePassword": randomBytes(18).toString("base64url"),
    "pulsar:managerDatabaseAdminPassword": randomBytes(18).toString("base64url"),
    "pulsar:managerPassword": randomBytes(18).toString("base64url"),
    "pulsar:imagePullCredentials": dockerConfig(randomBytes(18).toString("base64url"), ["docker.io"]),
  };
}

async function previewed(stack: Stack, whose: string): Promise<Outcome> {
  const outcome = await stack.preview();
  if (outcome.ok) return outcome;
  const faults = outcome.diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
  throw new BenchError(`the preview of ${whose} fails:\n${faults.join("\n") || outcome.text}`);
}
