import { type Fault, keyOf } from "./faults.ts";
import { hostsWithoutTls } from "./ingress.ts";
import { allNodes, isProduction } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/**
 * What a production stack may not say; `valueFaults` looks through its chart values. The only way out is `pulsar:environment test`, which stands in
 * the stack file and is warned of in every preview.
 */
export function productionFaults(settings: Partial<Parsed>): Fault[] {
  const { layout, environment } = settings;
  if (layout === undefined || !("environment" in settings) || !isProduction({ layout, environment })) return [];
  const faults: Fault[] = [];
  const add = (path: PropertyKey[], found: string, allowed: string) =>
    faults.push({ key: keyOf(path), found, allowed: `${allowed} (production)` });

  if (layout === "mixed") add(["layout"], "mixed", "dedicated: ZooKeeper and the bookies need nodes of their own");
  const { images, managerDatabase, adminApi, ingress, nodes, nodeGroups } = settings;
  if (images?.pulsar?.tag === "latest")
    add(["images", "pulsar"], "latest", "a version, so that what runs is what was reviewed");
  if (managerDatabase?.tls === "disable") {
    add(
      ["managerDatabase", "tls"],
      "disable",
      "require or verify-full: the manager's password would cross the network in plain text",
    );
  }
  if (managerDatabase?.deleteData) {
    add(["managerDatabase", "deleteData"], "true", "false: data is dropped by hand, not by an update");
  }
  const { protocol, hostname } = new URL(adminApi?.address ?? "https://none");
  if (protocol === "http:" && !/^(localhost|127\..*|\[::1\])$/.test(hostname)) {
    add(
      ["adminApi", "address"],
      adminApi?.address ?? "",
      "an https:// address, or none: the administrators' token would cross the network in plain text",
    );
  }
  if (ingress !== undefined) {
    for (const kind of hostsWithoutTls({ ingress })) {
      add(
        ["ingress", kind],
        "no TLS",
        "a tlsSecret of its own, or a cert-manager clusterIssuer or issuer: passwords and tokens would cross the network in plain text",
      );
    }
  }
  if (layout === "dedicated" && nodes !== undefined && nodeGroups !== undefined) {
    const unknown = allNodes({ layout, nodes, nodeGroups }).filter(({ cpu, memory }) => !cpu || !memory);
    const { untainted, cpu, memory } = nodeGroups.serving;
    const names = unknown.map(({ name }) => name);
    if (untainted !== undefined && (!cpu || !memory)) names.push("the untainted serving nodes");
    if (names.length > 0) {
      add(
        ["nodeGroups"],
        `no cpu or no memory for ${names.join(", ")}`,
        "what each node offers (status.allocatable): the pods' requests are derived from it, and the rehearsal adds them up",
      );
    }
  }
  return faults;
}
