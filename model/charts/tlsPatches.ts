import { trustManagerCa } from "./managerTls.ts";
import type { Manifest } from "./manifest.ts";

/** Patches of both chart lines (2.7.7 and 4.7.0) for a release with TLS. Returns whether it has TLS. */
export function patchTls(objects: Manifest[]): boolean {
  if (!objects.some(({ data }) => data?.brokerServicePortTls !== undefined)) return false;
  objects.splice(0, objects.length, ...objects.filter((object) => !isCertificate(object)));
  closePlainPorts(objects);
  trustManagerCa(objects);
  return true;
}

/** Objects that the chart makes for cert-manager; those of 2.7.7 have no labels. The stack makes the Secrets with the certificates. */
function isCertificate({ apiVersion, metadata }: Manifest): boolean {
  const [group, version] = apiVersion.split("/");
  return group === "cert-manager.io" && (version === "v1alpha2" || metadata.labels?.heritage !== undefined);
}

/**
 * Removes the ports in plain text from the Services: both charts keep some of them beside TLS. Metrics and probes use the pods' ports. ZooKeeper's
 * plain port accepts connections only inside its pod.
 */
function closePlainPorts(objects: readonly Manifest[]) {
  for (const { kind, metadata, spec } of objects) {
    if (spec === undefined || metadata.labels?.component === "pulsar-manager") continue;
    if (kind === "Service") {
      // A Service without ports is allowed if it is headless.
      spec.ports = (spec.ports as { name: string }[] | undefined)?.filter(({ name }) => !plainPorts.test(name));
    }
    for (const container of spec.template?.spec?.containers ?? []) {
      container.ports = container.ports?.filter(({ name }) => !/(?:^|-)client$/.test(name ?? ""));
    }
  }
}

/** The charts' value `tcpPrefix` goes before the last two. */
const plainPorts = /(?:^|-)(?:http|pulsar|client)$/;
