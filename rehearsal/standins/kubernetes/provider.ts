/**
 * A stand-in for the official `kubernetes` plugin, with a real API server and Helm. It implements what a stack needs: objects, their `*Patch` types and
 * `helm.sh/v3:Release`, with a provider that has `upsertExistingObjects`. It refuses settings, inputs and kinds that it cannot treat like the plugin,
 * and does not implement components (`helm.sh/v4:Chart`, `yaml/v2`), functions and client-side apply (`enableServerSideApply: false`).
 */
import type { StandIn } from "../protocol.ts";
import { type Cluster, connect, providerReplaces, settingsOf } from "./cluster.ts";
import { kindOfType } from "./kinds.ts";
import { objectHandler } from "./objects.ts";
import { patchHandler } from "./patches.ts";
import { releaseHandler } from "./release.ts";

export function kubernetes(): StandIn {
  let connected: Cluster | undefined;
  const cluster = (): Cluster => {
    if (!connected) throw new Error("the provider is not configured yet");
    return connected;
  };
  return {
    name: "kubernetes",
    version: "4.34.2",
    async configure(config) {
      connected = await connect(settingsOf(config));
    },
    diffConfig: (olds, news) => ({ replaces: providerReplaces(olds, news) }),
    handler(type) {
      if (type === "kubernetes:helm.sh/v3:Release") return releaseHandler(cluster());
      const kind = kindOfType(type);
      if (!kind) return undefined;
      return kind.patch ? patchHandler(cluster(), kind) : objectHandler(cluster(), kind);
    },
    secretOutputs: (type) => (type === "kubernetes:core/v1:Secret" ? ["data", "stringData"] : []),
  };
}
