import * as pulumi from "@pulumi/pulumi";
import type * as provider from "./secretRolloutProvider.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export const secretRolloutProvider = storedProvider<provider.SecretRolloutArgs, provider.SecretRolloutArgs>(
  "./resources/kubernetes/secretRolloutProvider.ts",
);

/** Something about the Secrets that makes pods restart when it changes. */
export interface Trigger {
  /** What it is after a change, such as "another key". */
  what: string;
  /** Identifies it, and is not secret. */
  value: pulumi.Input<string>;
  /** The `component` labels of the pods to restart, in order. */
  steps: string[][];
  /** What the restart means for users of the cluster, in the warning of the preview. */
  consequence: string;
}

/** Which Secrets the pods hold, when the pods restart, and how. */
export interface Rollout {
  holds: "tokens" | "certificates";
  /** The first one that differs decides which pods restart. */
  triggers: Trigger[];
  /** False: one pod at a time, and only while all others of its component are ready. */
  together: boolean;
}

/**
 * The pods that hold a key or a token (charts 2.7.7 and 4.7.0: all references to `<release>-token-*` in the templates), in the order of their restart.
 * Brokers and proxies load one key when they start (apache/pulsar#8152), and clients are refused until both are back, so they restart together.
 * Bookies, ZooKeeper and recovery hold neither.
 */
export const tokenSteps = [
  ["broker", "proxy"],
  ["toolset", "pulsar-manager"],
];

/** The manager has its token in its environment. The others read theirs from a file, which follows the Secret within about a minute. */
const tokenAtStart = ["pulsar-manager"];

/** @param expires the day on which the pods' tokens expire. @default never */
export function tokenRollout(key: pulumi.Input<string>, expires?: string): Rollout {
  return {
    holds: "tokens",
    together: true,
    triggers: [
      {
        what: "another key",
        value: key,
        steps: tokenSteps,
        consequence:
          "Nobody can produce or consume until brokers and proxies are ready again, usually one to four minutes; after that a client is refused " +
          "until it presents its new token (docs/operations/rotate-keys.md)",
      },
      {
        what: "another expiry",
        value: expires ?? "never",
        steps: [tokenAtStart],
        consequence: "It reads its token only then. Tokens handed out before stay valid until they expire",
      },
    ],
  };
}

/**
 * The pods with a certificate, in the order of their restart. ZooKeeper decides about sessions with the CAs of its start, so it comes before those
 * that connect to it. The manager has no certificate, but reads the CAs when it starts.
 */
export const certificateSteps = [
  ["zookeeper"],
  ["bookie"],
  ["broker"],
  ["proxy"],
  ["recovery"],
  ["toolset"],
  ["pulsar-manager"],
];

/** @param certificates identifies the certificates of all components and of the CAs */
export function certificateRollout(certificates: pulumi.Input<string>): Rollout {
  return {
    holds: "certificates",
    together: false,
    triggers: [
      {
        what: "another certificate or CA",
        value: certificates,
        steps: certificateSteps,
        consequence:
          "One pod restarts at a time. Clients connect again when their broker or proxy restarts; a component with a single pod is not available " +
          "meanwhile",
      },
    ],
  };
}

type Inputs = provider.SecretRolloutArgs;

/**
 * Restarts the pods that hold Secrets when those change. It must depend on the Secrets, and on the release, whose upgrade in the same `up` may have
 * restarted some of them. The preview tells what it means for clients.
 */
export class SecretRollout extends pulumi.dynamic.Resource {
  constructor(name: string, args: Rollout & Omit<Inputs, keyof Rollout>, opts?: pulumi.CustomResourceOptions) {
    const warning = new pulumi.ResourceHook(
      `tell-of-${name}`,
      async ({ oldInputs, newInputs }) => {
        await pulumi.log.warn(warningOf(args, (oldInputs as Inputs).triggers, (newInputs as Inputs).triggers));
      },
      { onDryRun: true },
    );
    const triggers = args.triggers.map(({ what, value, steps }) => ({ what, value, steps }));
    super(
      secretRolloutProvider,
      name,
      { ...args, triggers },
      { ...opts, hooks: { beforeUpdate: [warning] } },
      "pulsar",
      "SecretRollout",
    );
  }
}

/** What a change means for users of the cluster. */
export function warningOf(
  { holds, triggers }: Rollout,
  olds: readonly { value: string }[],
  news: readonly { value: string }[],
): string {
  const changed = triggers.find((_, i) => olds[i]?.value !== news[i]?.value) ?? triggers[0];
  if (changed === undefined) throw new Error("a rollout has no triggers");
  const { what, steps, consequence } = changed;
  const order = steps.map((components) => components.join(" and ")).join(", then ");
  return `new ${holds} (${what}): restarts all pods of ${order}. ${consequence}`;
}
