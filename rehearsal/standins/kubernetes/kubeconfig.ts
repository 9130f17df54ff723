/**
 * Finds and reads the kubeconfig as kubectl does. It imports single modules of the client library, because the library as a whole takes most of a
 * second to load, and every command of the engine starts this plugin.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import type { Cluster, Context, User } from "@kubernetes/client-node/dist/config_types.js";
import { newClusters, newContexts, newUsers } from "@kubernetes/client-node/dist/config_types.js";
import { ExecAuth } from "@kubernetes/client-node/dist/exec_auth.js";
import { parse } from "yaml";
import { at, text } from "./kinds.ts";

/** A context of a kubeconfig with its cluster and user. */
export interface Kubeconfig {
  context: Context;
  cluster: Cluster;
  user: User;
}

/** The choice of kubeconfig and context. The defaults are those of kubectl. */
export interface Choice {
  /** Path of the kubeconfig. */
  kubeconfig?: string;
  context?: string;
}

/** There is no such kubeconfig, or it cannot be read. */
export class Unreadable extends Error {}

interface Entries {
  clusters: Cluster[];
  users: User[];
  contexts: Context[];
  current: string;
}

/** @throws Error about what is wrong with the kubeconfig, without its contents */
export function loadKubeconfig(choice: Choice): Kubeconfig {
  const files = sources(choice.kubeconfig).map(read);
  const name = choice.context ?? files.map(({ current }) => current).find((current) => current !== "");
  if (name === undefined) throw new Error("the kubeconfig has no current context, and none is configured");
  const context = named(
    files.flatMap(({ contexts }) => contexts),
    name,
  );
  if (!context) throw new Error(`context "${name}" does not exist`);
  const cluster = named(
    files.flatMap(({ clusters }) => clusters),
    context.cluster,
  );
  if (!cluster) throw new Error(`cluster "${context.cluster}" does not exist`);
  const user = named(
    files.flatMap(({ users }) => users),
    context.user,
  ) ?? { name: context.user };
  if (cluster.proxyUrl || user.authProvider) {
    throw new Error(`context "${name}" uses a proxy-url or an auth-provider, which the stand-in does not know`);
  }
  return { context, cluster, user };
}

/** If several files have an entry with the same name, the first counts. */
function named<T extends { name: string }>(entries: T[], name: string): T | undefined {
  return entries.find((entry) => entry.name === name);
}

const unreadable = "failed to parse kubeconfig data: neither a file nor a kubeconfig";

interface Source {
  contents: string;
  /** The base of relative paths. */
  directory: string;
}

/** A path without `~`. */
export function expanded(path: string): string {
  return path.replace(/^~(?=\/|$)/, homedir());
}

function sources(given: string | undefined): Source[] {
  if (given !== undefined) {
    const path = expanded(given);
    if (!existsSync(path) || !statSync(path).isFile()) throw new Unreadable(unreadable);
    return [open(path)];
  }
  const listed = (process.env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  const found = (listed.length > 0 ? listed : [join(homedir(), ".kube/config")]).filter((path) => existsSync(path));
  if (found.length === 0) throw new Error("no kubeconfig has been provided");
  return found.map(open);
}

function open(path: string): Source {
  return { contents: readFileSync(path, "utf8"), directory: dirname(path) };
}

function read({ contents, directory }: Source): Entries {
  try {
    const config: unknown = parse(contents);
    const clusters = newClusters(at(config, "clusters"));
    const users = newUsers(at(config, "users"));
    const contexts = newContexts(at(config, "contexts"));
    if (clusters.length === 0) throw new Error("it has no clusters");
    for (const cluster of clusters) cluster.caFile &&= resolve(directory, cluster.caFile);
    for (const user of users) {
      user.certFile &&= resolve(directory, user.certFile);
      user.keyFile &&= resolve(directory, user.keyFile);
    }
    return { clusters, users, contexts, current: text(at(config, "current-context")) };
  } catch {
    // The parser's message would quote lines of the kubeconfig.
    throw new Unreadable(unreadable);
  }
}

const exec = new ExecAuth();

/** The credentials of a request. Runs the user's credential plugin if there is one and its credentials have expired. */
export async function credentials({ cluster, user }: Kubeconfig): Promise<RequestOptions> {
  const basic = user.username
    ? `Basic ${Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64")}`
    : "";
  const authorization = user.token ? `Bearer ${user.token}` : basic;
  const options: RequestOptions = {
    ca: fileOrData(cluster.caFile, cluster.caData),
    cert: fileOrData(user.certFile, user.certData),
    key: fileOrData(user.keyFile, user.keyData),
    ...(cluster.tlsServerName && { servername: cluster.tlsServerName }),
    ...(cluster.skipTLSVerify && { rejectUnauthorized: false }),
    headers: {
      ...(authorization && { Authorization: authorization }),
      ...(user.impersonateUser && { "Impersonate-User": user.impersonateUser }),
    },
  };
  if (exec.isAuthProvider(user)) await exec.applyAuthentication(user, options);
  return options;
}

function fileOrData(file: string | undefined, data: string | undefined): Buffer | undefined {
  if (file) return readFileSync(file);
  return data ? Buffer.from(data, "base64") : undefined;
}
