import { hasTls, issuerAnnotations } from "../model/ingress.ts";
import type { Add } from "./faults.ts";
import type { Settings } from "./resolve.ts";
import type { Parsed } from "./schema.ts";

/** Faults of the Ingress settings that involve more than one value. */
export function ingressFaults(settings: Settings, addFault: Add, { ingress }: Parsed) {
  const add = (path: PropertyKey[], problem: string, remedy: string) => {
    addFault(["ingress", ...path], problem, remedy);
  };
  const { manager, admin, annotations, ...rest } = ingress;

  const unused = [...Object.keys(rest), ...(Object.keys(annotations).length > 0 ? ["annotations"] : [])];
  if (settings.ingress === undefined && unused.length > 0) {
    add([], `sets ${unused.join(", ")} without a host`, "set a host in manager or admin, or remove them");
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
}

/** The hosts whose traffic would cross the network in plain text. */
export function hostsWithoutTls(ingress: Parsed["ingress"]): ("manager" | "admin")[] {
  return (["manager", "admin"] as const).filter((kind) => {
    const found = ingress[kind];
    return found !== undefined && !hasTls(found, ingress);
  });
}
