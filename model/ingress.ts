import type { z } from "zod";
import * as scalar from "./scalars.ts";

const exposure = scalar.object({
  host: scalar.hostName.describe("Host name."),
  tlsSecret: scalar.name.optional().describe("Secret with the certificate."),
});

/** Access from outside the cluster. */
export const ingressSchema = scalar
  .object({
    className: scalar.name.optional().meta({ description: "IngressClass.", otherwise: "the cluster's default class" }),
    clusterIssuer: scalar.name.optional().describe("cert-manager ClusterIssuer that creates the certificates."),
    issuer: scalar.name.optional().describe("cert-manager Issuer that creates the certificates."),
    annotations: scalar.annotations.describe("Annotations for the controller."),
    manager: exposure.optional().describe("Pulsar Manager."),
    admin: exposure.optional().describe("The HTTP admin API, served by the proxies."),
  })
  .prefault({})
  .meta({
    description: "Access from outside the cluster by host name. Without a host there is no Ingress.",
    example: "pulsar:ingress:\n  clusterIssuer: letsencrypt\n  manager: { host: pulsar-manager.example.com }",
  });

export type IngressSettings = z.output<typeof ingressSchema>;
/** One host name of the Ingresses. */
export type IngressHost = z.output<typeof exposure>;

/** The annotations that cert-manager reads from an Ingress. */
export const issuerAnnotations = {
  clusterIssuer: "cert-manager.io/cluster-issuer",
  issuer: "cert-manager.io/issuer",
} as const;

/** Whether a host has TLS. */
export function hasTls(
  { tlsSecret }: Pick<IngressHost, "tlsSecret">,
  { clusterIssuer, issuer }: Partial<IngressSettings>,
): boolean {
  return (tlsSecret ?? clusterIssuer ?? issuer) !== undefined;
}

/** A path of an Ingress. `Prefix` matches whole segments: /admin matches /admin/v2 but not /administrator. */
export interface IngressPath {
  path: string;
  pathType: "Exact" | "Prefix";
}

const exact = (path: string): IngressPath => ({ path, pathType: "Exact" });
const prefix = (path: string): IngressPath => ({ path, pathType: "Prefix" });

interface Backend {
  service: string;
  port: number;
  /** The port if the cluster has TLS. @default the same: the manager has no TLS */
  tlsPort?: number;
  paths: IngressPath[];
}

/**
 * Annotations that make ingress-nginx (0.27 and later) connect to a backend with TLS and verify its certificate. Traefik connects with TLS on port 443.
 * Other controllers ignore them.
 * @param ca Secret with the key `ca.crt` in the namespace of the Ingress, as `<namespace>/<name>`
 * @param name of the backend in its certificate
 */
export function httpsBackend<Text>(ca: Text, name: Text): Record<string, Text | string> {
  return {
    "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS",
    "nginx.ingress.kubernetes.io/proxy-ssl-secret": ca,
    "nginx.ingress.kubernetes.io/proxy-ssl-verify": "on",
    "nginx.ingress.kubernetes.io/proxy-ssl-name": name,
  };
}

/**
 * The Service of each host, and the paths that are allowed.
 *
 * Manager: the paths that its page requests (front-end/src/api in v0.2.0 and v0.4.0; its router puts the rest behind `#`). This excludes
 * /pulsar-manager/users/superuser, where anybody could create an account, and the logins with accounts of other sites. Proxies: the paths of the
 * admin API, because they also serve their metrics and their own administration.
 */
export const backends: Record<"manager" | "admin", Backend> = {
  manager: {
    service: "pulsar-manager",
    port: 9527,
    paths: [
      exact("/"),
      exact("/favicon.ico"),
      prefix("/static"),
      ...["csrf-token", "login", "logout", "users", "users/user", "users/userInfo"].map((path) =>
        exact(`/pulsar-manager/${path}`),
      ),
      // The last three exist only in v0.2.0.
      ...["admin", "api", "environments", "tokens", "roles", "role", "role-binding"].map((path) =>
        prefix(`/pulsar-manager/${path}`),
      ),
      prefix("/admin"),
      prefix("/lookup"),
    ],
  },
  admin: { service: "proxy", port: 80, tlsPort: 443, paths: [prefix("/admin"), prefix("/lookup")] },
};
