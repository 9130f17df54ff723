import type { Component, Placement } from "../layouts/layout.ts";
import type { PodSizes } from "../sizing.ts";
import type { ChartObjects, Volume } from "./names.ts";

/** Chart values: plain data, and never a secret, because `helm get values` shows them to whoever may read the namespace. */
export interface Values {
  [key: string]: Value;
}
export type Value = string | number | boolean | null | Value[] | Values;

export interface Image {
  /** With the registry before it, where it has one. */
  repository: string;
  /** A version, without digest: schemas and lines are chosen by it. */
  tag: string;
  /** `sha256:` and 64 digits; pods then ask for exactly this image, whatever the tag points to. */
  digest?: string | undefined;
}

/** A key of a Secret in the release's namespace. */
export interface SecretRef {
  secret: string;
  key: string;
}

/**
 * How the brokers write: each ledger uses `ensemble` bookies, each entry goes to `write` of them and is acknowledged to the producer once
 * `ack` have it. 1 <= ack <= write <= ensemble <= number of bookies.
 */
export interface Ledgers {
  ensemble: number;
  write: number;
  ack: number;
}

/** A Pulsar cluster as every chart line can be told it. One values function a line turns it into that line's values. */
export interface PulsarCluster {
  /** Name of the Helm release. */
  release: string;
  /** DNS domain of the Kubernetes cluster, such as cluster.local. */
  clusterDomain: string;
  placements: Record<Component, Placement>;
  /** What the pods ask for; where nothing is said, the chart's own defaults hold. */
  sizes: PodSizes;
  images: {
    pulsar: Image;
    manager: Image;
    pullSecret?: string | undefined;
    /** Stands before every image, also before those the chart names by itself; without, they are taken as they are named. */
    registry?: string | undefined;
  };
  auth: {
    /** Whether brokers verify tokens with a shared symmetric key instead of a public key. */
    symmetric: boolean;
    /** What tokens are signed with where it is not what Pulsar takes for granted of a public key (RS256). */
    publicAlgorithm?: "ES256" | undefined;
    /** Roles that may do everything: brokers among themselves, proxies towards brokers, administrators, and the manager if it has one. */
    superUsers: { broker: string; proxy: string; client: string; manager?: string | undefined };
  };
  volumes: { storageClass: string; sizes: Record<Volume, string> };
  ledgers: Ledgers;
  /** The rack of each bookie, by ordinal; none where all are taken to be in one. */
  racks?: string[] | undefined;
  manager: {
    jdbcUrl: string;
    /** The Secret that the line's `managerSecret` fills. */
    secret: string;
    /** The token the manager shows the brokers: its own role's, or else the administrators'. */
    token: SecretRef;
    /** The ConfigMap with `default.conf` for the manager's nginx, where the line takes one (`takesFrontEnd`). */
    frontEnd?: string | undefined;
  };
}

export interface Account {
  user: string;
  password: string;
}

/** Pulsar Manager's accounts. */
export interface ManagerCredentials {
  /** Its own, of its database. */
  database: Account;
  /** What people log in to its page with. */
  login: Account;
}

/** What a chart line contributes: its values, and a post-renderer for what its values cannot say. */
export interface ChartLine {
  /** What the versions of the line begin with: "2.7", "4". A change of line is a migration; see `VolumeContract`. */
  name: string;
  values(cluster: PulsarCluster): Values;
  /** What is made, by the ends of the names: how long a release's name may be follows from it. */
  makes: ChartObjects;
  /** What runs where a stack names no image: the release that the line's newest chart is made for. */
  images: { pulsar: Image; manager: Image };
  /** The Kubernetes versions that know all kinds of objects of the line: from this minor version on, such as "1.25". */
  kubernetes: { from: string };
  /** What a role may be permitted to do: Pulsar's AuthAction. */
  actions: readonly string[];
  manager: {
    /** The role the manager has unless the settings name one; in a line without it the manager shows the administrators' token. */
    role?: string;
    /**
     * Who makes the account that people log in to the manager's page with, and registers the cluster there: an init Job of the chart, or a Job
     * of the stack (`ManagerSetup`).
     */
    setUpBy: "chart" | "stack";
    /** Whether the manager's nginx can be given a configuration; if not, only versions that let in nobody by themselves may run. */
    takesFrontEnd: boolean;
    /** Whether the manager knows the bookies' HTTP address, and may ask them how they are. */
    asksBookies: boolean;
  };
  pods: {
    /** The port for HTTP inside the proxies' pods, which may be another than their Service's. */
    proxyHttp: { name: string; port: number };
    /** Whether the brokers run functions, each in pods of its own, unless a stack's values say otherwise. */
    functions: boolean;
  };
  /** What the manager's Secret holds, under the keys the line's chart reads. */
  managerSecret(credentials: ManagerCredentials): Record<string, string>;
  /** Whether the chart gives the pull secret to every pod; if not, the namespace's `default` account has to. */
  givesPullSecret: boolean;
  /** Executable that reads the manifest on stdin and writes it patched to stdout; path relative to the program. */
  postrender: string;
  /**
   * A hash of the post-renderer's source. It is an input of the release, so that an `up` after a change of the source upgrades the release: the
   * rendered manifest is not an input.
   */
  postrenderHash: string;
}

/** `over` laid on `base`, objects key by key, everything else as a whole; what Helm does with several values files. */
export function merge(base: Values, over: Values): Values {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isObject(below) && isObject(value) ? merge(below, value) : value;
  }
  return merged;
}

function isObject(value: Value | undefined): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
