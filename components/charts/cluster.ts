import type { Component, Placement } from "../layouts/layout.ts";
import type { PodSizes } from "../sizing.ts";
import type { Volume } from "./names.ts";

/** Chart values: plain data, and never a secret, because `helm get values` shows them to whoever may read the namespace. */
export interface Values {
  [key: string]: Value;
}
export type Value = string | number | boolean | null | Value[] | Values;

export interface Image {
  repository: string;
  tag: string;
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
  placements: Record<Component, Placement>;
  /** What the pods ask for; where nothing is said, the chart's own defaults hold. */
  sizes: PodSizes;
  images: { pulsar: Image; manager: Image; pullSecret?: string };
  auth: {
    /** Whether brokers verify tokens with a shared symmetric key instead of a public key. */
    symmetric: boolean;
    /** Roles that may do everything: brokers among themselves, proxies towards brokers, administrators. */
    superUsers: { broker: string; proxy: string; client: string };
  };
  volumes: { storageClass: string; sizes: Record<Volume, string> };
  ledgers: Ledgers;
  /** The rack of each bookie, by ordinal; none where all are taken to be in one. */
  racks?: string[] | undefined;
  manager: {
    jdbcUrl: string;
    /** Secret with the database's user and password, under the keys the chart line reads. */
    databaseSecret: string;
    /** The token the manager shows the brokers. */
    token: SecretRef;
  };
}

/** What a chart line contributes: its values, and a post-renderer for what its values cannot say. */
export interface ChartLine {
  values(cluster: PulsarCluster): Values;
  /** The keys the line's manager reads its database credentials from. */
  databaseSecretKeys: { user: string; password: string };
  /** Executable that reads the manifest on stdin and writes it mended to stdout; path relative to the program. */
  postrender: string;
  /**
   * Changes with every change of what the post-renderer does, so that the next `up` upgrades the release: the manifest is no input of it
   * and would not show the change.
   */
  repairs: string;
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
