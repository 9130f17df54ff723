import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { V1Node } from "@kubernetes/client-node";
import { execa, type ExecaError } from "execa";
import { parse, stringify } from "yaml";
import { RehearsalError } from "../engine/fault.ts";
import { markedProcesses } from "../engine/janitor.ts";
import { connect } from "./api.ts";
import type { SimulatedNode } from "./nodes.ts";
import { freePorts } from "./ports.ts";
import { waitFor } from "./waiting.ts";
import type { Workspace } from "../engine/workspace.ts";

/** Absolute paths of the programs of a control plane. */
export interface ClusterTools {
  etcd: string;
  "kube-apiserver": string;
  "kube-controller-manager": string;
  "kube-scheduler": string;
  kwok: string;
  kwokctl: string;
}

/** A running control plane on the loopback interface. */
export interface Cluster {
  /** Absolute path of a kubeconfig file with embedded certificates and a single context. */
  kubeconfig: string;
  /** The name of that context. */
  context: string;
  /** Registers nodes and waits until all of them are Ready. */
  addNodes(nodes: readonly SimulatedNode[]): Promise<void>;
  /** Stops the control plane and deletes its data. */
  stop(): Promise<void>;
}

/** A rule that connects port-forwards of pods to other ports. */
export interface KubeletForward {
  namespace: string;
  /** Names of the pods. */
  pods: string[];
  /** @default 127.0.0.1 */
  address?: string;
  /** For each port of the pods, a port of the address. */
  ports: Record<number, number>;
}

const context = "rehearsal";

/** The kubeconfig and context of the control plane of a workspace. Known before the start. */
export function clusterAddress(workspace: Workspace): { kubeconfig: string; context: string } {
  return { kubeconfig: join(workspace.dir, "cluster/kubeconfig"), context };
}

/**
 * The limit for the start of the control plane, and then for its nodes to become Ready, in milliseconds. It is long because the machine may be
 * busy; a program that has ended is reported at once.
 */
const readyLimit = 300_000;

/**
 * Starts kube-apiserver, kube-scheduler, kube-controller-manager, etcd and KWOK with kwokctl, in `<workspace>/cluster` and on free ports of the
 * loopback interface. It does not change the user's ~/.kwok and ~/.kube. Resolves when the API server serves and the controllers work.
 *
 * @throws RehearsalError if it does not start
 */
export async function startCluster({
  tools,
  workspace,
  forward,
}: {
  tools: ClusterTools;
  workspace: Workspace;
  /** @default port-forwards to all pods fail */
  forward?: KubeletForward;
}): Promise<Cluster> {
  const dir = await workspace.folder("cluster");
  const env = {
    // The user's settings for kwokctl must not apply to this cluster.
    ...Object.fromEntries(Object.entries(workspace.env).filter(([name]) => !name.startsWith("KWOK_"))),
    HOME: dir,
    KWOK_WORKDIR: dir,
  };
  const config = join(dir, "config.yaml");
  const documents = [kwokConfiguration(dir, tools, await freePorts(6)), ...(forward ? [forwardRule(forward)] : [])];
  await writeFile(config, documents.map((document) => stringify(document)).join("---\n"));
  const kwokctl = (args: string[], signal?: AbortSignal): Promise<unknown> =>
    execa(
      tools.kwokctl,
      [...args, "--name", context, "--config", config, "--kubeconfig", join(dir, "kwokctl.kubeconfig")],
      {
        env,
        extendEnv: false,
        cwd: dir,
        cancelSignal: signal,
      },
    );

  // kwokctl waits for minutes even after one of the programs has ended.
  const ended = new AbortController();
  let created = false;
  const watch = waitFor(
    async () => {
      if (created) return true;
      await requireAllRunning(dir, workspace);
      return undefined;
    },
    { what: "the control plane to start", limit: readyLimit, every: 250, signal: workspace.signal },
  ).catch((fault: unknown) => {
    ended.abort(fault);
  });
  try {
    await kwokctl(["create", "cluster"], AbortSignal.any([workspace.signal, ended.signal]));
  } catch (cause) {
    workspace.signal.throwIfAborted();
    ended.signal.throwIfAborted();
    const reason = lastLine((cause as ExecaError<object>).stderr);
    throw new RehearsalError(`the control plane does not start: ${reason}`, { cause });
  } finally {
    created = true;
    await watch;
  }
  const { kubeconfig } = clusterAddress(workspace);
  await writeFile(kubeconfig, await selfContained(join(dir, "kwokctl.kubeconfig")), { mode: 0o600 });

  const { core, objects } = await connect(kubeconfig);
  const waiting = { limit: readyLimit, signal: workspace.signal };
  await waitFor(
    async () => {
      await requireAllRunning(dir, workspace);
      return core.readNamespacedServiceAccount({ name: "default", namespace: "default" });
    },
    { ...waiting, what: "the control plane to start" },
  );

  return {
    kubeconfig,
    context,
    async addNodes(nodes) {
      await Promise.all(nodes.map((node) => objects.create(node)));
      const names = nodes.map((node) => node.metadata.name);
      await waitFor(
        async () => {
          await requireAllRunning(dir, workspace);
          const ready = (await core.listNode()).items.filter(isReady).map((node) => node.metadata?.name);
          return names.every((name) => ready.includes(name)) || undefined;
        },
        { ...waiting, limit: readyLimit + nodes.length * 200, every: 250, what: "all nodes to become Ready" },
      );
    },
    async stop() {
      await kwokctl(["delete", "cluster"]);
    },
  };
}

/** @throws RehearsalError if a program of the control plane has ended, with its name and the last line of its log */
async function requireAllRunning(dir: string, workspace: Workspace): Promise<void> {
  const folder = join(dir, "clusters", context);
  const programs = await Promise.all(
    (await readdir(join(folder, "pids"))).map(async (file) => ({
      name: file.replace(/\.pid$/, ""),
      pid: Number(await readFile(join(folder, "pids", file), "utf8")),
    })),
  );
  // Listed after the files are read, so that a program that has just started counts as running.
  const running = new Set(markedProcesses(workspace.dir));
  for (const { name, pid } of programs) {
    if (pid === 0 || running.has(pid)) continue;
    const log = await readFile(join(folder, "logs", `${name}.log`), "utf8").catch(() => "");
    throw new RehearsalError(`the control plane does not start: ${name} has ended: ${lastLine(log)}`);
  }
}

function lastLine(text = ""): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** Whether a node is Ready, and the node lifecycle controller has removed the taint of new nodes. */
export function isReady({ status, spec }: V1Node): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  return ready === true && !spec?.taints?.some(({ key }) => key.startsWith("node.kubernetes.io/"));
}

/** The rule for KWOK, which answers port-forwards in place of a kubelet. */
function forwardRule({ namespace, pods, address = "127.0.0.1", ports }: KubeletForward): unknown {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "ClusterPortForward",
    metadata: { name: "rehearsal" },
    spec: {
      selector: { matchNamespaces: [namespace], matchNames: pods },
      forwards: Object.entries(ports).map(([from, port]) => ({
        ports: [Number(from)],
        target: { address, port },
      })),
    },
  };
}

/** In a file, because kwokctl has no flags for all of it. By default, all programs listen on every address, and etcd requires no password. */
function kwokConfiguration(dir: string, tools: ClusterTools, ports: number[]): unknown {
  const [etcdPort, etcdPeerPort, kubeApiserverPort, kubeControllerManagerPort, kubeSchedulerPort, kwokControllerPort] =
    ports;
  return {
    apiVersion: "config.kwok.x-k8s.io/v1alpha1",
    kind: "KwokctlConfiguration",
    options: {
      runtime: "binary",
      bindAddress: "127.0.0.1",
      cacheDir: join(dir, "cache"),
      etcdBinary: tools.etcd,
      kubeApiserverBinary: tools["kube-apiserver"],
      kubeControllerManagerBinary: tools["kube-controller-manager"],
      kubeSchedulerBinary: tools["kube-scheduler"],
      kwokControllerBinary: tools.kwok,
      etcdPort,
      etcdPeerPort,
      kubeApiserverPort,
      kubeControllerManagerPort,
      kubeSchedulerPort,
      kwokControllerPort,
    },
    componentsPatches: [
      // The data is deleted with the rehearsal, so it need not survive a crash.
      { name: "etcd", extraArgs: [{ key: "unsafe-no-fsync", value: "true" }] },
      {
        name: "kube-apiserver",
        extraArgs: [
          // By default, it looks for another address to advertise, and does not start on a machine with only a loopback interface.
          { key: "advertise-address", value: "127.0.0.1" },
          { key: "endpoint-reconciler-type", value: "none" },
        ],
      },
      // The default limits are 20 and 50 requests per second, enough for only five new nodes per second.
      ...["kube-controller-manager", "kube-scheduler"].map((name) => ({
        name,
        extraArgs: [
          { key: "kube-api-qps", value: "1000" },
          { key: "kube-api-burst", value: "2000" },
          // Each runs once, and ends if a busy machine delays the renewal of its lease by ten seconds.
          { key: "leader-elect", value: "false" },
        ],
      })),
    ],
  };
}

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string; "certificate-authority": string } }[];
  users: { name: string; user: { "client-certificate": string; "client-key": string } }[];
}

/** kwokctl's kubeconfig with embedded certificates and the names of this module. */
async function selfContained(path: string): Promise<string> {
  const { clusters, users } = parse(await readFile(path, "utf8")) as Kubeconfig;
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  if (!cluster || !user) throw new Error(`kwokctl wrote a kubeconfig without a cluster or a user: ${path}`);
  const base64 = async (file: string): Promise<string> => (await readFile(file)).toString("base64");
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": context,
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    clusters: [
      {
        name: context,
        cluster: {
          server: cluster.server,
          "certificate-authority-data": await base64(cluster["certificate-authority"]),
        },
      },
    ],
    users: [
      {
        name: context,
        user: {
          "client-certificate-data": await base64(user["client-certificate"]),
          "client-key-data": await base64(user["client-key"]),
        },
      },
    ],
  });
}
