import { issuerAnnotations, hasTls } from "../model/ingress.ts";
import { type Fault, keyOf } from "./faults.ts";
import { ingressOf } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/** Faults of the Ingress settings that involve more than one value. */
export function ingressFaults({ ingress }: Partial<Parsed>): Fault[] {
  if (ingress === undefined) return [];
  const faults: Fault[] = [];
  const add = (path: PropertyKey[], problem: string, remedy: string) =>
    faults.push({ key: keyOf(["ingress", ...path]), problem, remedy });
  const { manager, admin, annotations, ...rest } = ingress;

  const unread = [...Object.keys(rest), ...(Object.keys(annotations).length > 0 ? ["annotations"] : [])];
  if (ingressOf({ ingress }) === undefined && unread.length > 0) {
    add([], `sets ${unread.join(", ")} without a host`, "set a host in manager or admin, or remove them");
  }
  if (manager !== undefined && manager.host === admin?.host) {
    add(
      ["admin", "host"],
      `${JSON.stringify(admin.host)} is also the manager's host, and the manager serves /admin and /lookup too`,
      "use another host",
    );
  }
  if (ingress.issuer !== undefined && ingress.clusterIssuer !== undefined) {
    add(
      ["issuer"],
      `${ingress.issuer} and clusterIssuer ${ingress.clusterIssuer} are both set`,
      "set only one of them",
    );
  }
  for (const [setting, annotation] of Object.entries(issuerAnnotations)) {
    if (annotation in annotations) {
      add(
        ["annotations", annotation],
        `${JSON.stringify(annotations[annotation])} belongs in pulsar:ingress.${setting}`,
        "set it there instead",
      );
    }
  }
  const issued = ingress.issuer ?? ingress.clusterIssuer;
  if (issued !== undefined && manager?.tlsSecret !== undefined && manager.tlsSecret === admin?.tlsSecret) {
    add(
      ["admin", "tlsSecret"],
      `${manager.tlsSecret} is also the manager's Secret, but ${issued} issues a certificate for each host`,
      "use another Secret",
    );
  }
  return faults;
}

/** The hosts whose traffic would cross the network in plain text. */
export function hostsWithoutTls({ ingress }: Pick<Parsed, "ingress">): ("manager" | "admin")[] {
  return (["manager", "admin"] as const).filter((kind) => {
    const found = ingress[kind];
    return found !== undefined && !hasTls(found, ingress);
  });
}
