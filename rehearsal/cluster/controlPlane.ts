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

/** Absolute paths of the programs a control plane is made of. */
export interface ClusterTools {
  etcd: string;
  "kube-apiserver": string;
  "kube-controller-manager": string;
  "kube-scheduler": string;
  kwok: string;
  kwokctl: string;
}

/** A running control plane on the loopback. */
export interface Cluster {
  /** Absolute path of a kubeconfig file that holds everything in itself and has one context. */
  kubeconfig: string;
  /** The name of that context. */
  context: string;
  /** Registers nodes and waits until all are Ready. */
  addNodes(nodes: readonly SimulatedNode[]): Promise<void>;
  /** Ends the control plane and forgets what it held. */
  stop(): Promise<void>;
}

/** Which pods' ports lead to a port of this machine where the API server is asked to forward them. */
export interface KubeletForward {
  namespace: string;
  /** Names of the pods. */
  pods: string[];
  ports: number[];
  /** A port on 127.0.0.1. */
  to: number;
}

const context = "rehearsal";

/** Where the control plane of a workspace is to be found, also before it is started. */
export function clusterAddress(workspace: Workspace): { kubeconfig: string; context: string } {
  return { kubeconfig: join(workspace.dir, "cluster/kubeconfig"), context };
}

/**
 * How long the control plane, and then its nodes, may take to get ready, in milliseconds. Where none of its programs has ended, it is a busy
 * machine that takes long.
 */
const readyLimit = 300_000;

/**
 * Starts kube-apiserver, kube-scheduler, kube-controller-manager, etcd and KWOK by kwokctl, in `<workspace>/cluster` and on free ports of the
 * loopback. The user's own ~/.kwok and ~/.kube stay as they are. Answers once the API server serves and the controllers work.
 *
 * @throws RehearsalError where it does not start
 */
export async function startCluster({
  tools,
  workspace,
  forward,
}: {
  tools: ClusterTools;
  workspace: Workspace;
  /** @default no pod answers a port-forward */
  forward?: KubeletForward | undefined;
}): Promise<Cluster> {
  const dir = await workspace.folder("cluster");
  const env = {
    // Settings that the user has for kwokctl are not for this cluster.
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

  // kwokctl itself waits for minutes for a program that has ended.
  const ended = new AbortController();
  let created = false;
  const watch = waitFor(
    async () => {
      if (created) return true;
      await allRun(dir, workspace);
      return undefined;
    },
    { what: "the start of the control plane", limit: readyLimit, every: 250, signal: workspace.signal },
  ).catch((fault: unknown) => {
    ended.abort(fault);
  });
  await kwokctl(["create", "cluster"], AbortSignal.any([workspace.signal, ended.signal]))
    .catch((cause: unknown) => {
      workspace.signal.throwIfAborted();
      ended.signal.throwIfAborted();
      const reason = lastLine((cause as ExecaError<object>).stderr);
      throw new RehearsalError(`the control plane does not start: ${reason}`, { cause });
    })
    .finally(() => {
      created = true;
      return watch;
    });
  const { kubeconfig } = clusterAddress(workspace);
  await writeFile(kubeconfig, await selfContained(join(dir, "kwokctl.kubeconfig")), { mode: 0o600 });

  const { core, objects } = await connect(kubeconfig);
  const waiting = { limit: readyLimit, signal: workspace.signal };
  await waitFor(
    async () => {
      await allRun(dir, workspace);
      return core.readNamespacedServiceAccount({ name: "default", namespace: "default" });
    },
    { ...waiting, what: "the control plane's start" },
  );

  return {
    kubeconfig,
    context,
    async addNodes(nodes) {
      await Promise.all(nodes.map((node) => objects.create(node)));
      const names = nodes.map((node) => node.metadata.name);
      await waitFor(
        async () => {
          await allRun(dir, workspace);
          const ready = (await core.listNode()).items.filter(isReady).map((node) => node.metadata?.name);
          return names.every((name) => ready.includes(name)) || undefined;
        },
        { ...waiting, limit: readyLimit + nodes.length * 200, every: 250, what: "the nodes' getting ready" },
      );
    },
    async stop() {
      await kwokctl(["delete", "cluster"]);
    },
  };
}

/** @throws RehearsalError that names a program of the control plane which has ended, with the last line of its log */
async function allRun(dir: string, workspace: Workspace): Promise<void> {
  const folder = join(dir, "clusters", context);
  const programs = await Promise.all(
    (await readdir(join(folder, "pids"))).map(async (file) => ({
      name: file.replace(/\.pid$/, ""),
      pid: Number(await readFile(join(folder, "pids", file), "utf8")),
    })),
  );
  // Listed after the files were read: what starts in between is running.
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

/** Ready, and rid of the taint that every new node has until the node lifecycle controller has seen that it is. */
export function isReady({ status, spec }: V1Node): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
  return ready === true && !spec?.taints?.some(({ key }) => key.startsWith("node.kubernetes.io/"));
}

/** Where a port-forward ends, as KWOK plays the kubelet's part in it. */
function forwardRule({ namespace, pods, ports, to }: KubeletForward): unknown {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "ClusterPortForward",
    metadata: { name: "rehearsal" },
    spec: {
      selector: { matchNamespaces: [namespace], matchNames: pods },
      forwards: [{ ports, target: { address: "127.0.0.1", port: to } }],
    },
  };
}

/** What kwokctl is told by file, because it has no flag for all of it. By itself it listens on every address, etcd without any password. */
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
      // Nothing here outlives the rehearsal, so nothing has to survive a crash.
      { name: "etcd", extraArgs: [{ key: "unsafe-no-fsync", value: "true" }] },
      {
        name: "kube-apiserver",
        extraArgs: [
          // By itself it looks for another address to advertise and does not start on a machine that has only the loopback.
          { key: "advertise-address", value: "127.0.0.1" },
          { key: "endpoint-reconciler-type", value: "none" },
        ],
      },
      // By themselves they keep to twenty and fifty requests a second, for the sake of other clients: five new nodes a second.
      ...["kube-controller-manager", "kube-scheduler"].map((name) => ({
        name,
        extraArgs: [
          { key: "kube-api-qps", value: "1000" },
          { key: "kube-api-burst", value: "2000" },
        ],
      })),
    ],
  };
}

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string; "certificate-authority": string } }[];
  users: { name: string; user: { "client-certificate": string; "client-key": string } }[];
}

/** kwokctl's kubeconfig with the certificates in it, and names of our own. */
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
