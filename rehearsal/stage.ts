/** Sets up what a stack is rehearsed on: tools, control plane with nodes, PostgreSQL, and the stack itself. */
import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Layout } from "../components/layouts/layout.ts";
import type { RawConfig, Settings } from "../settings.ts";
import { clusterAddress, startCluster, type Cluster } from "./cluster.ts";
import { Stack, type StackConfig } from "./engine.ts";
import { listDatabases } from "./databases.ts";
import { plantForeignDatabase, plantForeignObjects } from "./foreign.ts";
import { takeInventory, type Inventory } from "./inventory.ts";
import { connect, type Api } from "./kubernetes.ts";
import { simulatedNodes, type SimulatedNode } from "./nodes.ts";
import { observe, type Observation } from "./observe.ts";
import { startPostgres, type Postgres } from "./postgres.ts";
import { plantPrerequisites } from "./prerequisites.ts";
import { silent, type Progress } from "./progress.ts";
import { redactor } from "./redact.ts";
import { encryptedKeys, rawConfig } from "./stackConfig.ts";
import { cacheFolder } from "./tools/cache.ts";
import { chartRepositoryAnswers, findPlugins } from "./tools/plugins.ts";
import { prepareTools } from "./tools/tools.ts";
import { Interrupted, openWorkspace, type Workspace } from "./workspace.ts";

export interface RehearsalOptions {
  /** Name of the stack: `Pulumi.<stack>.yaml` must exist. @default "test" */
  stack?: string;
  /** Path of a chart that takes the place of the stack's. */
  chart?: string;
  /** Configuration laid over the stack file's. */
  config?: StackConfig;
  /** Absolute path of the program: the folder of Pulumi.yaml. @default this project */
  project?: string;
  /**
   * Whether each command of the engine is run in one go: with many steps at a time, and the state saved once at the end. By itself the engine
   * saves all of it after each step, which takes the square of the resources; but only then can what was killed half way be gone on with.
   * @default false
   */
  inOneGo?: boolean;
  /** Looks at the plan before anything is started; what it throws ends the rehearsal. */
  check?: (layout: Layout) => void;
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
  /** The stack's settings as the program will parse them, but for the database's port and the chart's source, which come later. */
  settings: Settings;
  /** The plan that pods are held against. */
  layout: Layout;
  cluster: Cluster;
  api: Api;
  postgres: Postgres;
  /** The engine on the rehearsed stack. Nothing has been deployed yet. */
  stack: Stack;
  /** Everything in the cluster before the first `up`, some of it planted as somebody else's. */
  before: Inventory;
  /** The same of PostgreSQL. */
  databasesBefore: string[];
  /** What is really there, with versions, and what is not the real thing. */
  parts: { real: string[]; standIns: string[] };
  progress: Progress;
  /** Looks at the cluster as it is now. */
  observe(): Promise<Observation>;
  /** Takes secrets out of a text. */
  redact(text: string): string;
}

/** A fault that the user can mend; its message is all there is to say. */
export class RehearsalError extends Error {
  override name = "RehearsalError";
}

const ownProject = resolve(import.meta.dirname, "..");
export const standInPlugins = join(import.meta.dirname, "standins/bin");
export const standInChart = join(import.meta.dirname, "standins/charts/pulsar-2.7");

/**
 * Sets up a stage, hands it to `use`, and takes everything down again whatever happens.
 * @throws RehearsalError for what the user can mend, such as faults of the stack's configuration
 * @throws Interrupted after SIGINT, SIGTERM or SIGHUP
 */
export async function withRehearsal<T>(options: RehearsalOptions, use: (stage: Stage) => Promise<T>): Promise<T> {
  const workspace = await openWorkspace();
  try {
    return await use(await setUp(options, workspace));
  } catch (fault) {
    // What is interrupted fails in many ways.
    if (workspace.signal.reason instanceof Interrupted) throw workspace.signal.reason;
    throw fault;
  } finally {
    await workspace.close();
  }
}

async function setUp(options: RehearsalOptions, workspace: Workspace): Promise<Stage> {
  const { stack: name = "test", project = ownProject, progress = silent, log = () => undefined } = options;
  const { signal } = workspace;
  const stackFile = await readStackFile(project, name);
  const secrets = {
    database: randomBytes(18).toString("base64url"),
    databaseAdmin: randomBytes(18).toString("base64url"),
    registry: randomBytes(18).toString("base64url"),
  };
  const address = clusterAddress(workspace);

  // Configuration faults are told before anything is downloaded or built for ten minutes.
  const config = overrides(stackFile, options, address, secrets);
  const settings = await settingsOf(name, rawConfig(stackFile, config));
  const { layoutOf } = await import("../components/layouts/layouts.ts");
  const layout = layoutOf(settings);
  options.check?.(layout);

  const [{ tools, report, plugins, chart }] = await progress({
    title: "find or make the tools",
    talkative: true,
    work: async (tell) => {
      const prepared = await prepareTools({ log: tell, signal });
      const version = prepared.report.find((tool) => tool.name === "pulumi")?.version ?? "";
      const [plugins, chart] = await Promise.all([
        findPlugins({ log: tell, signal, pulumi: { file: prepared.tools.pulumi, version }, standIns: standInPlugins }),
        chartSource(options.chart, settings.chart.source, signal),
      ]);
      return { ...prepared, plugins, chart };
    },
  });
  if (chart !== undefined) config.plain["pulsar:chart.source"] = chart;
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
      ...(chart === standInChart ? [`chart: a stand-in for ${settings.chart.version}`] : []),
      `PostgreSQL runs on this machine, ${settings.managerDatabase.tls === "disable" ? "without TLS" : "with a certificate made for it"}`,
    ],
  };
  for (const line of parts.standIns) log(line);

  const planned = simulatedNodes(settings);
  const nodes = options.nodes?.(planned) ?? planned;
  // Faults of one of them are the whole's: the others are ended with the workspace.
  const [cluster, { postgres, stack }] = await progress(
    {
      title: `start the control plane with ${nodes.length} nodes`,
      work: async () => {
        const cluster = await startCluster({ tools, workspace });
        await cluster.addNodes(nodes);
        return cluster;
      },
    },
    {
      title: "start PostgreSQL and make the stack",
      work: async () => {
        const postgres = await startPostgres({ workspace, password: secrets.databaseAdmin });
        config.plain["pulsar:managerDatabase.port"] = String(postgres.port);
        if (settings.managerDatabase.tls === "verify-full") {
          config.plain["pulsar:managerDatabase.tlsCaFile"] = postgres.caFile;
        }
        const stack = await Stack.create(
          {
            pulumi: tools.pulumi,
            projectDir: project,
            workDir: await workspace.folder("pulumi"),
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
        return { postgres, stack };
      },
    },
  );
  // The workspace goes anyway: nothing is worth waiting for.
  signal.addEventListener("abort", () => {
    stack.kill();
  });

  const api = await connect(cluster.kubeconfig);
  await plantPrerequisites({ api, postgres, settings, password: secrets.database });
  await Promise.all([plantForeignObjects(api, nodes), plantForeignDatabase(postgres)]);
  return {
    workspace,
    settings,
    layout,
    cluster,
    api,
    postgres,
    stack,
    before: await takeInventory(api),
    databasesBefore: await listDatabases(postgres),
    parts,
    progress,
    observe: () => observe(api, settings.namespace),
    redact: redactor([...Object.values(secrets), ...Object.values(config.secret)]),
  };
}

async function readStackFile(project: string, stack: string): Promise<string> {
  try {
    return await readFile(join(project, `Pulumi.${stack}.yaml`), "utf8");
  } catch (cause) {
    const stacks = (await readdir(project)).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
    throw new RehearsalError(`there is no stack "${stack}"; there are: ${stacks.join(", ")}`, { cause });
  }
}

async function settingsOf(stack: string, config: RawConfig): Promise<Settings> {
  const { parseSettings } = await import("../settings.ts");
  try {
    return parseSettings(config, stack, false);
  } catch (cause) {
    throw new RehearsalError((cause as Error).message, { cause });
  }
}

interface RehearsedConfig {
  plain: Record<string, string>;
  secret: Record<string, string>;
}

/** Points the stack to what it is rehearsed on and gives it secrets of its own. What the caller asks for comes last. */
function overrides(
  stackFile: string,
  options: RehearsalOptions,
  address: { kubeconfig: string; context: string },
  secrets: { database: string; databaseAdmin: string; registry: string },
): RehearsedConfig {
  const { values } = rawConfig(stackFile, options.config ?? {});
  const given = (key: string): Record<string, unknown> => JSON.parse(values[key] || "{}") as Record<string, unknown>;
  const createsNamespace = values["pulsar:createNamespace"] !== "false";
  const hasPullSecret = given("pulsar:images")["pullSecret"] !== undefined;
  const encrypted = encryptedKeys(stackFile);
  return {
    plain: {
      "kubernetes:kubeconfig": address.kubeconfig,
      "kubernetes:context": address.context,
      "pulsar:managerDatabase.host": "127.0.0.1",
      ...(given("pulsar:managerDatabase")["create"] === false
        ? {}
        : { "pulsar:managerDatabase.admin.user": "postgres", "pulsar:managerDatabase.admin.database": "postgres" }),
      ...options.config?.plain,
    },
    secret: {
      "pulsar:managerDatabasePassword": secrets.database,
      "pulsar:managerDatabaseAdminPassword": secrets.databaseAdmin,
      ...(hasPullSecret && (createsNamespace || encrypted.includes("pulsar:imagePullCredentials"))
        ? { "pulsar:imagePullCredentials": dockerConfig(secrets.registry) }
        : {}),
      ...options.config?.secret,
    },
  };
}

/** Credentials for a registry that nobody asks: no image is pulled in a rehearsal. */
export function dockerConfig(password: string): string {
  const auth = Buffer.from(`rehearsal:${password}`).toString("base64");
  return JSON.stringify({ auths: { "registry.example.com": { username: "rehearsal", password, auth } } });
}

/** The chart that takes the place of the stack's: the one asked for, or the stand-in where the stack's repository does not answer. */
async function chartSource(
  asked: string | undefined,
  stacks: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (asked !== undefined) return resolve(asked);
  if (!/^https?:/.test(stacks)) return undefined;
  return (await chartRepositoryAnswers(stacks, signal)) ? undefined : standInChart;
}

/** Those of official plugins go before the stand-ins', which hold all plugins. */
export function pluginFolders(plugins: { origin: string; folder: string }[]): string[] {
  const official = plugins.filter(({ origin }) => origin !== "stand-in").map(({ folder }) => folder);
  return [...new Set([...official, standInPlugins])];
}
