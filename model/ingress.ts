/** A way in: the host name by which it is found. */
export interface WayIn {
  host: string;
  /** Secret with the host's certificate, which an issuer fills if there is one. @default none; with an issuer, one named after the way in */
  tlsSecret?: string | undefined;
}

/** The ways into the cluster by host name, and what their Ingress controller is told. */
export interface WaysIn {
  /** Which controller serves them. @default the cluster's default class */
  className?: string | undefined;
  /** ClusterIssuer of cert-manager, which then makes each certificate and its Secret. @default none */
  clusterIssuer?: string | undefined;
  /** The same by an Issuer of the namespace. */
  issuer?: string | undefined;
  /** Annotations besides, for the controller. */
  annotations: Record<string, string>;
  /** To Pulsar Manager's page. */
  manager?: WayIn | undefined;
  /** To the HTTP admin API, by the proxies. */
  admin?: WayIn | undefined;
}

/** What cert-manager reads from an Ingress (cert-manager.io, annotated Ingress resource). */
export const issuerAnnotations = {
  clusterIssuer: "cert-manager.io/cluster-issuer",
  issuer: "cert-manager.io/issuer",
} as const;

/** Whether a way in has TLS. */
export function secured({ tlsSecret }: Pick<WayIn, "tlsSecret">, { clusterIssuer, issuer }: Partial<WaysIn>): boolean {
  return (tlsSecret ?? clusterIssuer ?? issuer) !== undefined;
}

/** A path as an Ingress has it. `Prefix` goes by whole segments: /admin lets in /admin/v2, and not /administrator. */
export interface IngressPath {
  path: string;
  pathType: "Exact" | "Prefix";
}

const exact = (path: string): IngressPath => ({ path, pathType: "Exact" });
const below = (path: string): IngressPath => ({ path, pathType: "Prefix" });

/**
 * Where each way leads, and the paths it lets in. To the manager those that its page asks for (front-end/src/api in v0.2.0 and v0.4.0; its router
 * puts the rest behind `#`). So neither /pulsar-manager/users/superuser, by which anybody could make an account, nor the ways to log in
 * by other sites' accounts. To the proxies those of the admin API: they serve their metrics and their own administration too.
 */
export const backends: Record<"manager" | "admin", { service: string; port: number; paths: IngressPath[] }> = {
  manager: {
    service: "pulsar-manager",
    port: 9527,
    paths: [
      exact("/"),
      exact("/favicon.ico"),
      below("/static"),
      ...["csrf-token", "login", "logout", "users", "users/user", "users/userInfo"].map((path) =>
        exact(`/pulsar-manager/${path}`),
      ),
      // The last three are of v0.2.0.
      ...["admin", "api", "environments", "tokens", "roles", "role", "role-binding"].map((path) =>
        below(`/pulsar-manager/${path}`),
      ),
      below("/admin"),
      below("/lookup"),
    ],
  },
  admin: { service: "proxy", port: 80, paths: [below("/admin"), below("/lookup")] },
};
