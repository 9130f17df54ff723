import * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../../model/clusterRef.ts";
import type * as provider from "./tokenRolloutProvider.ts";
import { storedProvider } from "../kit/storedProvider.ts";

export const tokenRolloutProvider = storedProvider<provider.TokenRolloutArgs, provider.TokenRolloutArgs>(
  "./resources/kubernetes/tokenRolloutProvider.ts",
);

/**
 * The pods that hold a key or a token (charts 2.7.7 and 4.7.0: all references to `<release>-token-*` in the templates), in the order of their restart.
 * Brokers and proxies load one key when they start (apache/pulsar#8152), and clients are refused until both are back, so they restart together.
 * Bookies, ZooKeeper and recovery hold neither.
 */
export const steps = [
  ["broker", "proxy"],
  ["toolset", "pulsar-manager"],
];

/** The manager has its token in its environment. The others read theirs from a file, which follows the Secret within about a minute. */
export const tokenAtStart = ["pulsar-manager"];

export interface TokenRolloutArgs {
  cluster: ClusterRef;
  namespace: string;
  release: string;
  /** Identifies the key, and is not secret. */
  key: pulumi.Input<string>;
  expires?: string | undefined;
  /** Names of the Secrets with the key and the super users' tokens. */
  secrets: string[];
  /** How long the pods of a step may take until all are ready, in minutes. */
  limitMinutes: number;
}

/**
 * Restarts the pods that hold keys or tokens when those change. It must depend on the Secrets, and on the release, whose upgrade in the same `up` may
 * have restarted some of them. The preview tells what it means for clients.
 */
export class TokenRollout extends pulumi.dynamic.Resource {
  declare readonly key: pulumi.Output<string>;

  constructor(name: string, args: TokenRolloutArgs, opts?: pulumi.CustomResourceOptions) {
    const warning = new pulumi.ResourceHook(
      `tell-of-${name}`,
      async ({ oldInputs, newInputs }) => {
        await pulumi.log.warn(consequences((oldInputs as Inputs).key !== (newInputs as Inputs).key));
      },
      { onDryRun: true },
    );
    const inputs = { ...args, steps, tokenAtStart };
    super(
      tokenRolloutProvider,
      name,
      inputs,
      { ...opts, hooks: { beforeUpdate: [warning] } },
      "pulsar",
      "TokenRollout",
    );
  }
}

type Inputs = provider.TokenRolloutArgs;

/** What a change means for users of the cluster. */
export function consequences(anotherKey: boolean): string {
  if (!anotherKey) {
    return (
      `tokens with another expiry: restarts ${tokenAtStart.join(", ")}, which reads its token only when it starts. ` +
      `Tokens that applications already have stay valid until they expire`
    );
  }
  const order = steps.map((components) => components.join(" and ")).join(", then ");
  return (
    `another key for tokens: restarts all pods of ${order}. Nobody can produce or consume until brokers and proxies are ready again, usually one ` +
    `to four minutes; after that a client is refused until it presents its new token (docs/operations/rotate-keys.md)`
  );
}
