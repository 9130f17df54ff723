/** One host name of the Ingresses. */
export interface IngressHost {
  host: string;
  /** Secret with the host's certificate; an issuer writes it. @default none; with an issuer, `<full name>-manager-tls` or `<full name>-admin-tls` */
  tlsSecret?: string | undefined;
}

/** The hosts that are reachable from outside the cluster, and the settings of their Ingresses. */
export interface IngressSettings {
  /** IngressClass. @default the cluster's default class */
  className?: string | undefined;
  /** ClusterIssuer of cert-manager, which then creates each certificate and its Secret. @default none */
  clusterIssuer?: string | undefined;
  /** The same for an Issuer of the namespace. */
  issuer?: string | undefined;
  /** Further annotations, for the controller. */
  annotations: Record<string, string>;
  /** Host of Pulsar Manager's page. */
  manager?: IngressHost | undefined;
  /** Host of the HTTP admin API, through the proxies. */
  admin?: IngressHost | undefined;
}

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

/**
 * The Service of each host, and the paths that are allowed.
 *
 * Manager: the paths that its page requests (front-end/src/api in v0.2.0 and v0.4.0; its router puts the rest behind `#`). This excludes
 * /pulsar-manager/users/superuser, where anybody could create an account, and the logins with accounts of other sites. Proxies: the paths of the
 * admin API, because they also serve their metrics and their own administration.
 */
export const backends: Record<"manager" | "admin", { service: string; port: number; paths: IngressPath[] }> = {
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
  admin: { service: "proxy", port: 80, paths: [prefix("/admin"), prefix("/lookup")] },
};
