/** Sets up what a stack is rehearsed on: tools, control plane with nodes, PostgreSQL, and the stack itself. */
import { dirname, join, resolve } from "node:path";
import { chartLine, type ChartVersion } from "../model/charts/lines.ts";
import type { Layout } from "../model/layouts/layout.ts";
import type { Settings } from "../settings/settings.ts";
import { proxyForward, serveAdminApi } from "./cluster/adminApi.ts";
import { clusterAddress, startCluster, type Cluster } from "./cluster/controlPlane.ts";
import { Stack, type StackConfig } from "./engine/stack.ts";
import { listDatabases } from "./cluster/databases.ts";
import { plantForeignDatabase, plantForeignObjects, withoutForeign } from "./cluster/foreign.ts";
import { takeInventory, type Inventory } from "./cluster/inventory.ts";
import { connect, type Api } from "./cluster/api.ts";
import { simulatedNodes, type SimulatedNode } from "./cluster/nodes.ts";
import { observe, type Observation } from "./cluster/observe.ts";
import { freePorts } from "./cluster/ports.ts";
import { startPostgres, type Postgres } from "./cluster/postgres.ts";
import { plantPrerequisites } from "./cluster/prerequisites.ts";
import { silent, type Progress } from "./cli/progress.ts";
import { redactor } from "./engine/redact.ts";
import {
  addressesOf,
  madeUpSecrets,
  ownProject,
  readStackFile,
  secretsFor,
  settingsOf,
} from "./engine/stackSettings.ts";
import type { StandInAdminApi } from "./standins/adminApi.ts";
import { cacheFolder } from "./tools/cache.ts";
import { chartRepositoryAnswers, findPlugins } from "./tools/plugins.ts";
import { prepareTools } from "./tools/tools.ts";
import { Interrupted, openWorkspace, type Workspace } from "./engine/workspace.ts";

export interface RehearsalOptions {
  /** Name of the stack: `Pulumi.<stack>.yaml` must exist. @default "test" */
  stack?: string;
  /** Path of a chart that takes the place of the stack's. */
  chart?: string;
  /** Configuration laid over the stack file's. */
  config?: Pick<StackConfig, "plain">;
  /** Absolute path of the program: the folder of Pulumi.yaml. @default this project */
  project?: string;
  /** Absolute path of the folder of the stack files. @default the program's */
  stackFiles?: string;
  /**
   * Whether each command of the engine is run in one go: with many steps at a time, and the state saved once at the end. By itself the engine
   * saves all of it after each step, which takes the square of the resources; but only then can what was killed half way be gone on with.
   * @default false
   */
  inOneGo?: boolean;
  /** Looks at the plan before anything is started; what it throws ends the rehearsal. */
  check?: (layout: Layout) => void;
  /** Port on 127.0.0.1 of an admin API, to which port-forwards to the stack's proxies lead. @default a stand-in's, where the stack has tenants */
  adminApi?: number;
  /** Changes the simulated nodes before they are registered. */
  nodes?: (planned: SimulatedNode[]) => SimulatedNode[];
  /** @default nothing is shown */
  progress?: Progress;
  /** Takes the lines that come before the steps: which parts are not the real thing. */
  log?: (line: string) => void;
}

/** What a stack is rehearsed on. */
export interface Stage {
  workspace: Workspace;
  /** The settings that the stack file says; the program gets the rehearsal's own cluster, database and chart. */
  settings: Settings;
  /** The plan that pods are held against. */
  layout: Layout;
  cluster: Cluster;
  api: Api;
  postgres: Postgres;
  /** The stand-in of Pulsar's admin API, where the stack has tenants and nobody said where to apply them. */
  adminApi?: StandInAdminApi;
  /** The engine on the rehearsed stack. Nothing has been deployed yet. */
  stack: Stack;
  /** Everything in the cluster before the first `up`, some of it planted as somebody else's. */
  before: Inventory;
  /** The same of PostgreSQL. */
  databasesBefore: string[];
  /** What is really there, with versions, and what is not the real thing. */
  parts: { real: string[]; standIns: string[] };
  progress: Progress;
  /** Makes another committed stack on the same cluster and database, and tells its plan. Its nodes must be there, and what it says to exist. */
  another(name: string, config: Pick<StackConfig, "plain">): Promise<{ stack: Stack; layout: Layout }>;
  /** Looks at the cluster as it is now, without what is planted as somebody else's. @param namespace whose pods are looked at; default: the stack's */
  observe(namespace?: string): Promise<Observation>;
  /** Takes secrets out of a text. */
  redact(text: string): string;
}

export const standInPlugins = join(import.meta.dirname, "standins/bin");

/** The chart that stands in for this version: one a chart line. */
export function standInChart(version: ChartVersion): string {
  return join(import.meta.dirname, "standins/charts", `pulsar-${chartLine(version).name}`);
}

/**
 * Sets up a stage, hands it to `use`, and takes everything down again whatever happens.
 * @throws RehearsalError for what the user can mend, such as faults of the stack's configuration
 * @throws Interrupted after SIGINT, SIGTERM or SIGHUP
 */
export async function withRehearsal<T>(options: RehearsalOptions, use: (stage: Stage) => Promise<T>): Promise<T> {
  const workspace = await openWorkspace();
  let stage: Stage | undefined;
  try {
    stage = await setUp(options, workspace);
    return await use(stage);
  } catch (fault) {
    // What is interrupted fails in many ways.
    if (workspace.signal.reason instanceof Interrupted) throw workspace.signal.reason;
    throw fault;
  } finally {
    stage?.adminApi?.close();
    await workspace.close();
  }
}

async function setUp(options: RehearsalOptions, workspace: Workspace): Promise<Stage> {
  const { stack: name = "test", project = ownProject, progress = silent, log = () => undefined } = options;
  const { stackFiles = project } = options;
  const { signal } = workspace;
  const secrets = madeUpSecrets();
  const address = clusterAddress(workspace);
  // That there is no such stack is told before anything is downloaded or built for ten minutes.
  await readStackFile(stackFiles, name);

  const [{ tools, report, plugins }] = await progress({
    title: "find or make the tools",
    talkative: true,
    work: async (tell) => {
      const prepared = await prepareTools({ log: tell, signal });
      const version = prepared.report.find((tool) => tool.name === "pulumi")?.version ?? "";
      const pulumi = { file: prepared.tools.pulumi, version };
      const plugins = await findPlugins({ log: tell, signal, pulumi, standIns: standInPlugins });
      return { ...prepared, plugins };
    },
  });

  const makeStack = async (name: string, config: StackConfig): Promise<{ stack: Stack; settings: Settings }> => {
    const stack = await Stack.create(
      {
        pulumi: tools.pulumi,
        projectDir: project,
        stackFiles,
        workDir: await workspace.folder(`pulumi-${name}`),
        // First of all the right Node: official plugins may lie beside another one.
        path: [join(project, "node_modules/.bin"), ...pluginFolders(plugins), dirname(tools.helm)],
        env: {
          ...workspace.env,
          KUBECONFIG: address.kubeconfig,
          // Every engine run starts the program and four plugins, each of which compiles the SDK otherwise.
          NODE_COMPILE_CACHE: join(cacheFolder(), "node"),
          ...(options.inOneGo ? { PULUMI_PARALLEL: "64", PULUMI_SKIP_CHECKPOINTS: "true" } : {}),
        },
        signal,
      },
      name,
      config,
    );
    // The workspace goes anyway: nothing is worth waiting for.
    signal.addEventListener("abort", () => {
      stack.kill();
    });
    return { stack, settings: await settingsOf(name, stack.written, secrets, project) };
  };

  // The stack file is checked as it is written, before anything is started and before the rehearsal's own values hide what it says.
  const { stack, settings } = await makeStack(name, withChart(options));
  const { layoutOf } = await import("../model/layouts/layouts.ts");
  const layout = layoutOf(settings);
  options.check?.(layout);
  const chart = await chartSource(settings.chart, signal);
  const hasTenants = settings.tenants.length > 0;
  const servesTenants = hasTenants && options.adminApi === undefined;
  const parts = {
    real: [
      ...report.map(({ name, version }) => `${name} ${version}`),
      ...plugins.filter(({ origin }) => origin !== "stand-in").map(({ name, version }) => `plugin ${name} ${version}`),
    ],
    standIns: [
      "kubelets are simulated (KWOK): no container runs",
      ...plugins
        .filter(({ origin }) => origin === "stand-in")
        .map(({ name, version }) => `plugin ${name}: a stand-in for ${version}`),
      ...(chart === standInChart(settings.chart.version) ? [`chart: a stand-in for ${settings.chart.version}`] : []),
      ...(servesTenants ? ["Pulsar's admin API, to which tenants are applied: a stand-in"] : []),
      `PostgreSQL runs on this machine, ${settings.managerDatabase.tls === "disable" ? "without TLS" : "with a certificate made for it"}`,
    ],
  };
  for (const line of parts.standIns) log(line);

  /** Configures a stack with the rehearsal's systems, chart and secrets. */
  const redirect = (stack: Stack, settings: Settings, postgres: Postgres, chart: string | undefined) =>
    stack.configure({
      plain: { ...addressesOf({ cluster: address, postgres }, settings), ...chartOf(chart) },
      secret: secretsFor(stack.written, secrets),
    });

  const [adminPort = 0] = options.adminApi === undefined ? await freePorts(1) : [options.adminApi];
  const planned = simulatedNodes(settings);
  const nodes = options.nodes?.(planned) ?? planned;
  // Faults of one of them are the whole's: the others are ended with the workspace.
  const [cluster, postgres] = await progress(
    {
      title: `start the control plane with ${nodes.length} nodes`,
      work: async () => {
        const cluster = await startCluster({
          tools,
          workspace,
          forward: hasTenants || options.adminApi !== undefined ? proxyForward(settings, adminPort) : undefined,
        });
        await cluster.addNodes(nodes);
        return cluster;
      },
    },
    {
      title: "start PostgreSQL and configure the stack",
      work: async () => {
        const password = secrets["pulsar:managerDatabaseAdminPassword"];
        const postgres = await startPostgres({ workspace, password });
        await redirect(stack, settings, postgres, chart);
        return postgres;
      },
    },
  );

  const api = await connect(cluster.kubeconfig);
  await plantPrerequisites({ api, postgres, settings, password: secrets["pulsar:managerDatabasePassword"] });
  await Promise.all([plantForeignObjects(api, nodes), plantForeignDatabase(postgres)]);
  return {
    workspace,
    settings,
    layout,
    cluster,
    api,
    postgres,
    ...(servesTenants ? { adminApi: await serveAdminApi(api, settings, adminPort) } : {}),
    stack,
    before: await takeInventory(api),
    databasesBefore: await listDatabases(postgres),
    parts,
    progress,
    async another(name, given) {
      const { stack, settings } = await makeStack(name, given);
      await redirect(stack, settings, postgres, await chartSource(settings.chart, signal));
      return { stack, layout: layoutOf(settings) };
    },
    observe: async (namespace = settings.namespace) => withoutForeign(await observe(api, namespace)),
    redact: redactor([...Object.values(secrets), ...Object.values(secretsFor(stack.written, secrets))]),
  };
}

/** The configuration asked for, with the chart asked for. */
function withChart({ chart, config }: RehearsalOptions): StackConfig {
  return { plain: { ...config?.plain, ...chartOf(chart && resolve(chart)) } };
}

/** The stand-in, where the stack's repository does not answer. */
async function chartSource({ source, version }: Settings["chart"], signal: AbortSignal): Promise<string | undefined> {
  if (!/^https?:/.test(source)) return undefined;
  return (await chartRepositoryAnswers(source, signal)) ? undefined : standInChart(version);
}

/** The chart that takes the place of the stack's, if one does, as a setting. */
function chartOf(source: string | undefined): Record<string, string> {
  return source === undefined ? {} : { "pulsar:chart.source": source };
}

/** Those of official plugins go before the stand-ins', which hold all plugins. */
export function pluginFolders(plugins: { origin: string; folder: string }[]): string[] {
  const official = plugins.filter(({ origin }) => origin !== "stand-in").map(({ folder }) => folder);
  return [...new Set([...official, standInPlugins])];
}
