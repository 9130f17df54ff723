import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { V1Node, V1PersistentVolume, V1Pod } from "@kubernetes/client-node";
import { connect as connectTo } from "../../resources/kubernetes/connection.ts";
import type { Api, Plain } from "../cluster/api.ts";
import { RehearsalError } from "../engine/fault.ts";
import { readConfig } from "../engine/stackConfig.ts";

/** What the checks before the first change need to know about a cluster. */
export interface Facts {
  /** The minor version of Kubernetes, such as "1.37". */
  version: string;
  nodes: readonly Plain<V1Node>[];
  /** The pods of all namespaces. */
  pods: readonly Plain<V1Pod>[];
  volumes: readonly Plain<V1PersistentVolume>[];
  /** Labels by namespace. */
  namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Names of the Secrets in the stack's namespace. Helm keeps its releases in some. */
  secrets: readonly string[];
  storageClasses: readonly string[];
  priorityClasses: readonly string[];
}

/** A cluster of the user's kubeconfig. */
export interface Access {
  /** The address of the API server. */
  server: string;
  /** The cluster, user and context as the only ones of a kubeconfig. */
  kubeconfig: string;
}

/** @throws RehearsalError if there is no such context, or its kubeconfig cannot be read */
export async function accessTo(ref: { context?: string; kubeconfig?: string }): Promise<Access> {
  const { config, context, server } = await connectTo(ref).catch((cause: unknown) => {
    throw new RehearsalError(`--context: ${(cause as Error).message}`, { cause });
  });
  const one = config.getContextObject(context);
  config.loadFromOptions({
    clusters: config.clusters.filter(({ name }) => name === one?.cluster),
    users: config.users.filter(({ name }) => name === one?.user),
    contexts: [one],
    currentContext: context,
  });
  return { server, kubeconfig: config.exportConfig() };
}

/**
 * The stack files whose cluster this is: they name the context, or a context of the same API server.
 *
 * @param folders the folders of the stack files
 */
export async function stacksOn(cluster: Access & { context: string }, folders: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const folder of new Set(folders)) {
    for (const file of (await readdir(folder)).filter((name) => /^Pulumi\..+\.yaml$/.test(name))) {
      const { plain } = readConfig(await readFile(join(folder, file), "utf8"), file);
      const [context, kubeconfig] = [plain["kubernetes:context"], plain["kubernetes:kubeconfig"]].map((value) =>
        typeof value === "string" && value !== "" ? value : undefined,
      );
      if (context === undefined && kubeconfig === undefined) continue;
      const server = await accessTo({ context, kubeconfig }).then(
        (access) => access.server,
        () => undefined,
      );
      if (context === cluster.context || server === cluster.server) found.add(file);
    }
  }
  return [...found].sort();
}

/** @throws RehearsalError if the cluster does not answer */
export async function readFacts(api: Api, namespace: string): Promise<Facts> {
  const names = (path: string) =>
    api
      .get<{ items: { metadata: { name: string } }[] }>(path, "application/json")
      .then(({ items }) => items.map(({ metadata }) => metadata.name));
  try {
    const [{ major, minor }, nodes, pods, volumes, namespaces, secrets, storageClasses, priorityClasses] =
      await Promise.all([
        api.get<{ major: string; minor: string }>("/version", "application/json"),
        api.core.listNode(),
        api.core.listPodForAllNamespaces(),
        api.core.listPersistentVolume(),
        api.core.listNamespace(),
        names(`/api/v1/namespaces/${namespace}/secrets`),
        names("/apis/storage.k8s.io/v1/storageclasses"),
        names("/apis/scheduling.k8s.io/v1/priorityclasses"),
      ]);
    return {
      version: `${major}.${Number.parseInt(minor)}`,
      nodes: nodes.items,
      pods: pods.items,
      volumes: volumes.items,
      namespaces: Object.fromEntries(
        namespaces.items.map(({ metadata }) => [metadata?.name ?? "", metadata?.labels ?? {}]),
      ),
      secrets,
      storageClasses,
      priorityClasses,
    };
  } catch (cause) {
    const { message } = cause as Error;
    throw new RehearsalError(
      `--context: the cluster does not answer: ${message.split("\n", 1)[0] ?? ""}; start it, or name another`,
      {
        cause,
      },
    );
  }
}
