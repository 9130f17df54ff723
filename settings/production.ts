import type { Add } from "./faults.ts";
import { hostsWithoutTls } from "./ingress.ts";
import type { Settings } from "./resolve.ts";
import type { Parsed } from "./schema.ts";

/** Whether a waiver allows production without TLS: it waives the ports of every Service. */
export function allowsPlainText({ rule, object }: Settings["policyWaivers"][number]): boolean {
  return rule === "no-plain-ports" && object === undefined;
}

/**
 * Settings that production refuses; `valueFaults` checks the chart values. `pulsar:environment: test` allows them, and the preview warns of it.
 */
export function productionFaults(settings: Settings, add: Add, { images, ingress, nodeGroups }: Parsed) {
  if (!settings.production) return;
  const { layoutName, managerDatabase, adminApi, policyWaivers, proxyService, tls } = settings;
  if (layoutName === "mixed") {
    add(
      ["layout"],
      "mixed is not allowed in production, where ZooKeeper and the bookies need separate nodes",
      "use dedicated",
    );
  }
  if (images.pulsar?.tag === "latest") {
    add(
      ["images", "pulsar"],
      "latest is not allowed in production",
      "use a version, so that what was reviewed is what runs",
    );
  }
  if (managerDatabase.tls === "disable") {
    add(
      ["managerDatabase", "tls"],
      "disable is not allowed in production, because the manager's password would cross the network in plain text",
      "use require or verify-full",
    );
  }
  if (managerDatabase.deleteData) {
    add(["managerDatabase", "deleteData"], "true is not allowed in production", "use false, and drop data by hand");
  }
  const { protocol, hostname } = new URL(adminApi.address ?? "https://none");
  if (protocol === "http:" && !/^(localhost|127\..*|\[::1\])$/.test(hostname)) {
    add(
      ["adminApi", "address"],
      `${adminApi.address} is not allowed in production, because the administrators' token would cross the network in plain text`,
      "use an https:// address, or remove it",
    );
  }
  // `waiverFaults` checks whether the waiver still holds.
  if (!tls.enabled && !policyWaivers.some(allowsPlainText)) {
    add(
      ["tls", "enabled"],
      "false is not allowed in production, because tokens and messages would cross the network in plain text",
      "remove it (docs/operations/enable-tls.md), or waive the policy no-plain-ports for a time (pulsar:policyWaivers)",
    );
  }
  if (proxyService.type !== "ClusterIP" && !tls.enabled) {
    add(
      ["proxyService", "type"],
      `${proxyService.type} is not allowed in production without TLS, because tokens and messages would leave the cluster in plain text`,
      "remove pulsar:tls.enabled, or use ClusterIP",
    );
  }
  for (const kind of hostsWithoutTls(ingress)) {
    add(
      ["ingress", kind],
      "has no TLS, which production requires, because passwords and tokens would cross the network in plain text",
      "set its tlsSecret, or a cert-manager clusterIssuer or issuer",
    );
  }
  if (layoutName === "dedicated") {
    const unknown = settings.nodes.filter(({ cpu, memory }) => !cpu || !memory);
    const { untainted, cpu, memory } = nodeGroups.serving;
    const names = unknown.map(({ name }) => name);
    if (untainted !== undefined && (!cpu || !memory)) names.push("the untainted serving nodes");
    if (names.length > 0) {
      add(
        ["nodeGroups"],
        `has no cpu or no memory for ${names.join(", ")}, which production requires: pod requests are derived from them`,
        "set what each node offers (status.allocatable)",
      );
    }
  }
}
