import type { Component, Placement } from "../layouts/layout.ts";
import type { Ledgers } from "../ledgers.ts";
import type { ProxyService } from "../proxyService.ts";
import type { PodSizes } from "../sizing.ts";
import type { TlsSecrets } from "../tls.ts";
import type { TokenSettings } from "../tokens.ts";
import type { VolumeSettings } from "../volumes.ts";
import type { Image } from "./images.ts";
import type { ChartObjects } from "./names.ts";

/** Chart values: plain data and never a secret, because `helm get values` shows them to everybody who may read the namespace. */
export interface Values {
  [key: string]: Value;
}
export type Value = string | number | boolean | null | Value[] | Values;

/** A key of a Secret in the release's namespace. */
export interface SecretRef {
  secret: string;
  key: string;
}

/** The labels by which Services, workloads and network policies select the pods of a component or of a Job. The stack's other objects have them too. */
export function podLabels(release: string, component: string) {
  return { app: "pulsar", release, component };
}

/** A Pulsar cluster, independent of the chart line. Each line's `values` function turns it into values of that line. */
export interface PulsarCluster {
  /** Name of the Helm release. */
  release: string;
  /** DNS domain of the Kubernetes cluster, such as cluster.local. */
  clusterDomain: string;
  placements: Record<Component, Placement>;
  /** Requests, limits and JVM memory of the pods; the chart's default for each undefined field. */
  pods: PodSizes;
  images: {
    pulsar: Image;
    manager: Image;
    pullSecret?: string | undefined;
    /** Prefix of every image, including those of the chart's defaults. @default none */
    registry?: string | undefined;
  };
  /**
   * `roles` are the super users: brokers among themselves, proxies towards brokers, administrators (`client`, as in the chart's values), and the
   * manager if it has a role.
   */
  tokens: Pick<TokenSettings, "keys" | "roles">;
  volumes: Pick<VolumeSettings, "storageClass" | "sizes">;
  ledgers: Ledgers;
  /** The rack of each bookie, by ordinal. @default all bookies are in one rack */
  racks?: string[] | undefined;
  /** The proxies' Service. @default ClusterIP */
  proxyService?: ProxyService | undefined;
  /** The Secrets with the certificates. @default connections are in plain text */
  tls?: TlsSecrets | undefined;
  manager: {
    jdbcUrl: string;
    /** Name of the Secret with the content of the line's `managerSecret`. */
    secret: string;
    /** The token that the manager sends to the brokers: that of its own role, or else that of the administrators' role. */
    token: SecretRef;
    /** Name of the ConfigMap with `default.conf` for the manager's nginx, if the line supports it (`takesFrontEnd`). */
    frontEnd?: string | undefined;
  };
}

export interface Account {
  user: string;
  password: string;
}

/** Pulsar Manager's accounts. */
export interface ManagerCredentials {
  /** The manager's account in its database. */
  database: Account;
  /** The account with which people log in to its page. */
  login: Account;
}

/** A chart line: its values, and a post-renderer for what its values cannot express. */
export interface ChartLine {
  /** Prefix of the line's versions: "2.7", "4". A change of line is a migration; see `VolumeContract`. */
  name: string;
  values(cluster: PulsarCluster): Values;
  /** The objects it creates, by the end of their names. They limit the length of a release's name. */
  makes: ChartObjects;
  /** Default images: the release that the line's newest chart is made for. */
  images: { pulsar: Image; manager: Image };
  /** The first Kubernetes minor version with all kinds of objects of the line, such as "1.25". */
  kubernetes: { from: string };
  /** The permissions that can be granted to a role: Pulsar's AuthAction. */
  actions: readonly string[];
  manager: {
    /** The manager's default role. In a line without one, the manager uses the administrators' token. */
    role?: string;
    /**
     * What creates the account with which people log in to the manager's page and registers the cluster there: an init Job of the chart, or a
     * Job of the stack (`ManagerSetup`).
     */
    setUpBy: "chart" | "stack";
    /** Whether the manager's nginx can be configured. If not, versions where anybody can create an account are refused. */
    takesFrontEnd: boolean;
    /** Whether the manager sends HTTP requests to the bookies. */
    asksBookies: boolean;
  };
  pods: {
    /** The HTTP port of the proxies' pods, which can differ from the port of their Service. */
    proxyHttp: { name: string; port: number };
    /** The HTTPS port of the proxies' pods. Their Service has 443. */
    proxyHttps: number;
    /** Whether the brokers run functions in pods by default. The settings' `values` can change it. */
    functions: boolean;
  };
  /** Content of the manager's Secret, under the keys that the line's chart reads. */
  managerSecret(credentials: ManagerCredentials): Record<string, string>;
  /** Whether the chart sets the pull secret on every pod. If not, the namespace's ServiceAccount `default` needs it. */
  givesPullSecret: boolean;
  /** Executable that reads the manifest on stdin and writes it patched to stdout; path relative to the program. */
  postrender: string;
  /**
   * A hash of the post-renderer's source. It is an input of the release, so that an `up` after a change of the source upgrades the release: the
   * rendered manifest is not an input.
   */
  postrenderHash: string;
}

/** `base` with the values of `over`: objects are merged key by key, other values replaced, as Helm does with several values files. */
export function merge(base: Values, over: Values): Values {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(below) && isObject(value) ? merge(below, value) : value;
  }
  return merged;
}

export function isObject(value: Value | undefined): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
