import { issuerAnnotations, hasTls } from "../model/ingress.ts";
import { type Fault, keyOf } from "./faults.ts";
import { ingressOf } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/** Faults of the Ingress settings that involve more than one value. */
export function ingressFaults({ ingress }: Partial<Parsed>): Fault[] {
  if (ingress === undefined) return [];
  const faults: Fault[] = [];
  const add = (path: PropertyKey[], found: string, allowed: string) =>
    faults.push({ key: keyOf(["ingress", ...path]), found, allowed });
  const { manager, admin, annotations, ...rest } = ingress;

  const unread = [...Object.keys(rest), ...(Object.keys(annotations).length > 0 ? ["annotations"] : [])];
  if (ingressOf({ ingress }) === undefined && unread.length > 0) {
    add([], `${unread.join(", ")} without a host`, "a host in manager or admin, or nothing");
  }
  if (manager !== undefined && manager.host === admin?.host) {
    add(["admin", "host"], JSON.stringify(admin.host), "a host of its own: the manager has /admin and /lookup too");
  }
  if (ingress.issuer !== undefined && ingress.clusterIssuer !== undefined) {
    add(["issuer"], `${ingress.issuer} beside clusterIssuer ${ingress.clusterIssuer}`, "one of the two");
  }
  for (const [setting, annotation] of Object.entries(issuerAnnotations)) {
    if (annotation in annotations) {
      add(["annotations", annotation], annotations[annotation] ?? "", `nothing: it is pulsar:ingress.${setting}`);
    }
  }
  const issued = ingress.issuer ?? ingress.clusterIssuer;
  if (issued !== undefined && manager?.tlsSecret !== undefined && manager.tlsSecret === admin?.tlsSecret) {
    add(["admin", "tlsSecret"], manager.tlsSecret, `a Secret of its own: ${issued} issues a certificate for each host`);
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
