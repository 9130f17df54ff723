/** The cluster of the committed test stack, as input for chart values. */
import type { PulsarCluster } from "../../../model/charts/cluster.ts";
import type { ChartVersion } from "../../../model/charts/lines.ts";
import { tlsSecrets } from "../../../model/tls.ts";
import { parseSettings } from "../../../settings/settings.ts";
import { stackConfig } from "../../support/stackFile.ts";

/** @param changes settings that override the stack file's */
export function clusterOf(version: ChartVersion, changes: Record<string, unknown> = {}): PulsarCluster {
  const settings = parseSettings(stackConfig("test", { "pulsar:chart": { version }, ...changes }), "test", true);
  return {
    ...settings,
    placements: settings.layout.placements,
    tls: settings.tls.enabled ? tlsSecrets(settings.release) : undefined,
    manager: {
      jdbcUrl: "jdbc:postgresql://postgres.example.com:5432/pulsar_manager",
      secret: "pulsar-manager",
      token: { secret: "pulsar-token-admin", key: "TOKEN" },
      frontEnd: "pulsar-manager-front-end",
    },
  };
}
