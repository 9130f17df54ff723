/** Sets up the environment of a rehearsal: the tools, a control plane with nodes, PostgreSQL, and the stack. */
import { writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { chartLine, type ChartVersion } from "../model/charts/lines.ts";
import type { Layout } from "../model/layouts/layout.ts";
import type { Settings } from "../settings/resolve.ts";
import { proxyForward, serveAdminApi } from "./cluster/adminApi.ts";
import { clusterAddress, startCluster, type Cluster } from "./cluster/controlPlane.ts";
import { Stack, type StackConfig } from "./engine/stack.ts";
import { listDatabases } from "./cluster/databases.ts";
import { createForeignDatabase, createForeignObjects, withoutForeign } from "./cluster/foreign.ts";
import { takeInventory, type Inventory } from "./cluster/inventory.ts";
import { connect, type Api } from "./cluster/api.ts";
import { simulatedNodes, type SimulatedNode } from "./cluster/nodes.ts";
import { observe, type Observation } from "./cluster/observe.ts";
import { freePorts } from "./cluster/ports.ts";
import { startPostgres, type Postgres } from "./cluster/postgres.ts";
import { createDatabase, createPrerequisites } from "./cluster/prerequisites.ts";
import { silent, type Progress } from "./cli/progress.ts";
import { RehearsalError } from "./engine/fault.ts";
import { redactor } from "./engine/redact.ts";
import {
  addressesOf,
  dockerConfig,
  generateSecrets,
  ownProject,
  readStackFile,
  secretsFor,
  settingsOf,
} from "./engine/stackSettings.ts";
import { ownPart, ownVolumes } from "./realCluster/ownership.ts";
import type { TroubleWatch } from "./realCluster/troubles.ts";
import type { StandInAdminApi } from "./standins/adminApi.ts";
import { startCertManager } from "./standins/certManager.ts";
import { startLoadBalancer } from "./standins/loadBalancer.ts";
import { cacheFolder } from "./tools/cache.ts";
import { chartRepositoryAnswers, findPlugins } from "./tools/plugins.ts";
import { prepareTools } from "./tools/tools.ts";
import { Interrupted, openWorkspace, type Workspace } from "./engine/workspace.ts";

export interface RehearsalOptions {
  /** Name of the stack: `Pulumi.<stack>.yaml` must exist. @default "test" */
  stack?: string;
  /** Path of a chart that replaces the stack's chart. */
  chart?: string;
  /** Configuration that overrides the stack file. */
  config?: Pick<StackConfig, "plain">;
  /** Absolute path of the program: the folder of Pulumi.yaml. @default this project */
  project?: string;
  /** Absolute path of the folder of the stack files. @default the program's */
  stackFiles?: string;
  /**
   * Whether the engine runs many steps in parallel and saves the state once at the end. By default it saves the whole state after each step, which
   * takes time quadratic in the number of resources. Only then can the next command continue after a command was killed.
   * @default false
   */
  skipCheckpoints?: boolean;
  /** Checks the plan before anything is started. An error that it throws ends the rehearsal. */
  check?: (settings: Settings) => void | Promise<void>;
  /** Whether stand-ins replace the vendors' plugins and chart: always, or never. @default where those are not available */
  standIns?: "always" | "never";
  /** The cluster to use instead of simulated nodes. */
  existing?: ExistingCluster;
  /** Port on 127.0.0.1 that port-forwards to the proxies' ports for plain text connect to. @default a stand-in admin API, if the stack has tenants */
  adminApi?: number;
  /** Changes the simulated nodes before they are registered. */
  nodes?: (planned: SimulatedNode[]) => SimulatedNode[];
  /** @default shows nothing */
  progress?: Progress;
  /** Receives the lines that come before the steps: the parts that are simulated or replaced by a stand-in. */
  log?: (line: string) => void;
}

/** A cluster that runs containers, and in which the rehearsal creates nothing but the stack. */
export interface ExistingCluster {
  /** A kubeconfig with this context only. */
  kubeconfig: string;
  context: string;
  /** This machine's address for the pods: that of PostgreSQL. */
  databaseHost: string;
  /** A Docker configuration for the stack's pull Secret. @default one without credentials for any registry */
  pullCredentials?: string;
  /** What the report says of the cluster. */
  parts: Stage["parts"];
  /** The limits that fit it. */
  limits: Limits;
  /** Why its pods do not become ready. It looks at them each time that the cluster is observed. */
  troubles: TroubleWatch;
}

/** How long to wait, in milliseconds. */
export interface Limits {
  /**
   * The time without a change in the cluster and, during `up`, without output of the engine, after which the cluster counts as stalled. Called
   * for each observation.
   */
  quiet: Record<"duringUp" | "afterUp", () => number>;
  /** For the cluster to become ready or stalled. After it, the present state is reported. */
  stable: number;
  /** For all pods to become ready again after nodes are restored or pods replaced. At the limit, the step has failed. */
  ready: number;
  /** For controllers to delete the remaining objects after `destroy`. */
  removal: number;
}

/** The scheduler needs one second for a pod, the engine several for a step. */
const simulatedLimits: Limits = {
  quiet: { duringUp: () => 10_000, afterUp: () => 5_000 },
  stable: 60_000,
  ready: 180_000,
  removal: 15_000,
};

/** The environment of a rehearsal. */
export interface Stage {
  workspace: Workspace;
  /** The settings of the stack file. The program gets the addresses of the rehearsal's systems instead of the stack's. */
  settings: Settings;
  /** The plan that the pods are compared with. */
  layout: Layout;
  cluster: Cluster;
  api: Api;
  postgres: Postgres;
  /** The stand-in for Pulsar's admin API. Absent if the stack has no tenants, or if `RehearsalOptions.adminApi` is set. */
  adminApi?: StandInAdminApi;
  /** The stand-ins for controllers that the stack expects of its cluster. */
  controllers: { close(): void }[];
  /** The engine on the rehearsed stack. Nothing has been deployed yet. */
  stack: Stack;
  /** Everything in the cluster before the first `up`, including the foreign objects that the rehearsal creates. */
  before: Inventory;
  /** The databases and roles before the first `up`. */
  databasesBefore: string[];
  /** The real parts, with their versions, and the simulated ones. */
  parts: { real: string[]; standIns: string[] };
  progress: Progress;
  limits: Limits;
  /** Absolute path of Helm. */
  helm: string;
  /** What exists in the cluster now. In an existing cluster: only what the stack may change. */
  inventory(): Promise<Inventory>;
  /** Creates another committed stack on the same cluster and database server. Its nodes and prerequisites must exist. */
  addStack(name: string, config: Pick<StackConfig, "plain">): Promise<{ stack: Stack; layout: Layout }>;
  /** The present state of the cluster, without the foreign objects. @param namespace of the pods; default: the stack's */
  observe(namespace?: string): Promise<Observation>;
  /** Replaces the secrets in a text. */
  redact(text: string): string;
  /** What keeps pods from becoming ready, if containers run, one line each. */
  troubles(): string[];
}

export const standInPlugins = join(import.meta.dirname, "standins/bin");

/** The folder of the stand-in chart for a version. There is one for each chart line. */
export function standInChart(version: ChartVersion): string {
  return join(import.meta.dirname, "standins/charts", `pulsar-${chartLine(version).name}`);
}

/**
 * Sets up a stage, passes it to `use`, and removes everything afterwards in any case.
 * @throws RehearsalError for what the user can fix, such as faults in the stack's configuration
 * @throws Interrupted after SIGINT, SIGTERM or SIGHUP
 */
export async function withRehearsal<T>(options: RehearsalOptions, use: (stage: Stage) => Promise<T>): Promise<T> {
  const workspace = await openWorkspace();
  let stage: Stage | undefined;
  try {
    stage = await setUp(options, workspace);
    return await use(stage);
  } catch (fault) {
    // After an interruption, any operation may fail.
    if (workspace.signal.reason instanceof Interrupted) throw workspace.signal.reason;
    throw fault;
  } finally {
    stage?.adminApi?.close();
    for (const controller of stage?.controllers ?? []) controller.close();
    await workspace.close();
  }
}

async function setUp(options: RehearsalOptions, workspace: Workspace): Promise<Stage> {
  const { stack: name = "test", project = ownProject, progress = silent, log = () => undefined } = options;
  const { stackFiles = project } = options;
  const { signal } = workspace;
  const secrets = generateSecrets();
  const { existing } = options;
  const address = existing ? await addressOf(existing, workspace) : clusterAddress(workspace);
  // A missing stack is reported before tools are downloaded or built, which may take ten minutes.
  await readStackFile(stackFiles, name);

  const [{ tools, report, plugins }] = await progress({
    title: "find or build the tools",
    verbose: true,
    work: async (log) => {
      const prepared = await prepareTools({ log, signal }, existing ? ["pulumi", "helm"] : undefined);
      const version = prepared.report.find((tool) => tool.name === "pulumi")?.version ?? "";
      const pulumi = { file: prepared.tools.pulumi, version };
      const plugins = await findPlugins({ log, signal, pulumi, standIns: standInPlugins, use: options.standIns });
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
        // The project's Node comes first: the folder of an official plugin may hold another one.
        path: [join(project, "node_modules/.bin"), ...pluginFolders(plugins), dirname(tools.helm)],
        standIns: plugins.filter(({ origin }) => origin === "stand-in").map(({ name }) => name),
        env: {
          ...workspace.env,
          KUBECONFIG: address.kubeconfig,
          // Every command of the engine starts the program and four plugins. Without the cache, each of them compiles the SDK.
          NODE_COMPILE_CACHE: join(cacheFolder(), "node"),
          ...(options.skipCheckpoints ? { PULUMI_PARALLEL: "64", PULUMI_SKIP_CHECKPOINTS: "true" } : {}),
        },
        signal,
      },
      name,
      config,
    );
    // The workspace is removed in any case, so there is nothing to wait for, unless the cluster remains.
    signal.addEventListener("abort", () => {
      if (!existing) stack.kill();
    });
    return { stack, settings: await settingsOf(name, stack.initialConfig, secrets, project) };
  };

  // The stack file is checked before anything is started, and before the rehearsal's addresses replace its own.
  const { stack, settings } = await makeStack(name, withChart(options));
  const { layout } = settings;
  await options.check?.(settings);
  const chart = await chartSource(settings.chart, options, signal);
  const hasTenants = settings.tenants.length > 0 && !existing;
  const servesTenants = hasTenants && options.adminApi === undefined;
  const servesCertificates = settings.tls.enabled && settings.tls.issuer === "cert-manager" && !existing;
  const servesAddresses = settings.proxyService.type === "LoadBalancer" && !existing;
  const parts = {
    real: [
      ...report.map(({ name, version }) => `${name} ${version}`),
      ...plugins.filter(({ origin }) => origin !== "stand-in").map(({ name, version }) => `plugin ${name} ${version}`),
      ...(existing?.parts.real ?? []),
    ],
    standIns: [
      ...(existing?.parts.standIns ?? ["kubelets are simulated (KWOK): no container runs"]),
      ...plugins
        .filter(({ origin }) => origin === "stand-in")
        .map(({ name, version }) => `plugin ${name}: a stand-in for ${version}`),
      ...(chart === standInChart(settings.chart.version) ? [`chart: a stand-in for ${settings.chart.version}`] : []),
      ...(servesTenants ? ["Pulsar's admin API, to which tenants are applied: a stand-in"] : []),
      ...(servesCertificates ? ["cert-manager: a stand-in"] : []),
      ...(servesAddresses ? ["the load balancer's address is simulated"] : []),
      `PostgreSQL runs on this machine${existing ? ` (${existing.databaseHost})` : ""}, ${settings.managerDatabase.tls === "disable" ? "without TLS" : "with a certificate made for it"}`,
    ],
  };
  for (const line of parts.standIns) log(line);

  /** Configures a stack with the rehearsal's systems, chart and secrets. */
  const redirect = (stack: Stack, settings: Settings, postgres: Postgres, chart: string | undefined) => {
    const { plain, unset } = addressesOf({ cluster: address, postgres }, settings);
    return stack.configure({
      plain: { ...plain, ...chartOf(chart) },
      secret: secretsOf(stack),
      unset,
    });
  };
  const secretsOf = (stack: Stack): Record<string, string> => {
    const all = secretsFor(stack.initialConfig, secrets);
    const key = "pulsar:imagePullCredentials";
    if (!existing || all[key] === undefined) return all;
    // Docker Hub refuses generated credentials even for a public image.
    return { ...all, [key]: existing.pullCredentials ?? dockerConfig(secrets[key], ["rehearsal.invalid"]) };
  };

  const [http = 0, https] = options.adminApi === undefined ? await freePorts(2) : [options.adminApi];
  const adminPorts = { http, https };
  const postgresStep = {
    title: "start PostgreSQL and configure the stack",
    work: async () => {
      const password = secrets["pulsar:managerDatabaseAdminPassword"];
      const postgres = await startPostgres({
        workspace,
        password,
        ...(existing ? { host: existing.databaseHost } : {}),
      });
      await redirect(stack, settings, postgres, chart);
      return postgres;
    },
  };
  const planned = simulatedNodes(settings);
  const nodes = options.nodes?.(planned) ?? planned;
  const clusterStep = {
    title: `start the control plane with ${nodes.length} nodes`,
    work: async () => {
      const cluster = await startCluster({
        tools,
        workspace,
        forward: hasTenants || options.adminApi !== undefined ? proxyForward(settings, adminPorts) : undefined,
      });
      await cluster.addNodes(nodes);
      return cluster;
    },
  };
  // If one of them fails, the other is ended with the workspace.
  const [postgres, cluster] = existing
    ? [...(await progress(postgresStep)), existingCluster(address)]
    : await progress(postgresStep, clusterStep);

  const api = await connect(cluster.kubeconfig);
  const password = secrets["pulsar:managerDatabasePassword"];
  if (!existing) await createPrerequisites(api, settings);
  if (!settings.managerDatabase.create) await createDatabase(postgres, settings.managerDatabase, password);
  if (!existing) await createForeignObjects(api, nodes);
  await createForeignDatabase(postgres);
  const redact = redactor([...Object.values(secrets), ...Object.values(secretsOf(stack))]);
  const inventory = async () => {
    const all = await takeInventory(api);
    return existing ? ownPart(all, settings) : all;
  };
  return {
    workspace,
    settings,
    layout,
    cluster,
    api,
    postgres,
    controllers: [
      ...(servesCertificates ? [await startCertManager(api)] : []),
      ...(servesAddresses ? [startLoadBalancer(api)] : []),
    ],
    ...(servesTenants ? { adminApi: await serveAdminApi(api, settings, adminPorts) } : {}),
    stack,
    before: await inventory(),
    inventory,
    databasesBefore: await listDatabases(postgres),
    parts,
    progress,
    limits: existing?.limits ?? simulatedLimits,
    helm: tools.helm,
    async addStack(name, given) {
      const { stack, settings } = await makeStack(name, given);
      await redirect(stack, settings, postgres, await chartSource(settings.chart, options, signal));
      return { stack, layout: settings.layout };
    },
    async observe(namespace = settings.namespace) {
      const seen = await observe(api, namespace);
      await existing?.troubles.look(api, { namespace, database: postgres, redact });
      return existing ? ownVolumes(seen, namespace) : withoutForeign(seen);
    },
    redact,
    troubles: () => existing?.troubles.lines ?? [],
  };
}

/** Writes the kubeconfig of an existing cluster to the workspace. */
async function addressOf({ kubeconfig, context }: ExistingCluster, workspace: Workspace) {
  const file = join(await workspace.folder("cluster"), "kubeconfig");
  await writeFile(file, kubeconfig, { mode: 0o600 });
  return { kubeconfig: file, context };
}

function existingCluster(address: { kubeconfig: string; context: string }): Cluster {
  return {
    ...address,
    addNodes: () => Promise.reject(new Error("an existing cluster has its own nodes")),
    stop: () => Promise.resolve(),
  };
}

/** The configuration of the options, including their chart. */
function withChart({ chart, config }: RehearsalOptions): StackConfig {
  return { plain: { ...config?.plain, ...chartOf(chart && resolve(chart)) } };
}

/**
 * The stand-in chart if the stack's chart repository does not answer; otherwise undefined.
 * @throws RehearsalError if the stand-in must not be used. In an existing cluster it is used only on request, because it does not start Pulsar
 */
async function chartSource(
  { source, version }: Settings["chart"],
  { standIns, existing }: RehearsalOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!/^https?:/.test(source)) return undefined;
  if (standIns !== "always" && (await chartRepositoryAnswers(source, signal))) return undefined;
  if (standIns === "never" || (existing && standIns === undefined)) {
    throw new RehearsalError(`pulsar:chart.source: ${source} does not answer; use --chart PATH`);
  }
  return standInChart(version);
}

/** The setting for a chart that replaces the stack's chart. */
function chartOf(source: string | undefined): Record<string, string> {
  return source === undefined ? {} : { "pulsar:chart.source": source };
}

/** The folders for PATH. Those of official plugins come before that of the stand-ins, which holds a stand-in for every plugin. */
export function pluginFolders(plugins: { origin: string; folder: string }[]): string[] {
  const official = plugins.filter(({ origin }) => origin !== "stand-in").map(({ folder }) => folder);
  return [...new Set([...official, standInPlugins])];
}
