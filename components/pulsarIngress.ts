import { Ingress } from "@pulumi/kubernetes/networking/v1/ingress.js";
import * as pulumi from "@pulumi/pulumi";
import { podLabels } from "../model/charts/cluster.ts";
import { fullName } from "../model/charts/names.ts";
import {
  backends,
  hasTls,
  httpsBackend,
  issuerAnnotations,
  type IngressHost,
  type IngressSettings,
} from "../model/ingress.ts";
import type { TlsSecrets } from "../model/tls.ts";

export interface PulsarIngressArgs extends IngressSettings {
  namespace: pulumi.Input<string>;
  release: string;
  /** With TLS, the controller connects to the proxies with HTTPS and verifies their certificate. @default without TLS */
  tls?: TlsSecrets | undefined;
}

/**
 * HTTP access from outside the cluster: an Ingress for each host, with a list of the allowed paths. Denied paths cannot be listed instead, because
 * controllers treat a rule without a backend differently, and Traefik ignores it. Pulsar's binary protocol does not go through an Ingress.
 */
export class PulsarIngress extends pulumi.ComponentResource {
  /** External addresses of the hosts in the settings. */
  readonly addresses: { manager?: string; admin?: string };

  constructor(name: string, args: PulsarIngressArgs, opts?: pulumi.ComponentResourceOptions) {
    super("pulsar:components:PulsarIngress", name, {}, opts);
    const { namespace, release } = args;
    const full = fullName(release);
    const issuers: Record<string, string> = {};
    for (const issuer of ["clusterIssuer", "issuer"] as const) {
      if (args[issuer] !== undefined) issuers[issuerAnnotations[issuer]] = args[issuer];
    }

    const ingress = (kind: keyof typeof backends, { host, tlsSecret }: IngressHost) => {
      const { service, port, tlsPort, paths } = backends[kind];
      const ca = tlsPort === undefined ? undefined : args.tls?.ca;
      const backendName = `${full}-${service}`;
      const https =
        ca && httpsBackend(pulumi.interpolate`${namespace}/${ca}`, pulumi.interpolate`${backendName}.${namespace}.svc`);
      const backend = { service: { name: backendName, port: { number: ca === undefined ? port : tlsPort } } };
      const secretName = tlsSecret ?? `${full}-${kind}-tls`;
      const tls = hasTls({ tlsSecret }, args);
      new Ingress(
        `${name}-${kind}`,
        {
          metadata: {
            name: `${full}-${kind}`,
            namespace,
            labels: podLabels(release, `${kind}-ingress`),
            annotations: {
              ...https,
              ...args.annotations,
              ...issuers,
              // By default the provider (pulumi-kubernetes 4) waits ten minutes for an address in the status, which some controllers never set.
              "pulumi.com/skipAwait": "true",
            },
          },
          spec: {
            ingressClassName: args.className,
            tls: tls ? [{ hosts: [host], secretName }] : undefined,
            rules: [{ host, http: { paths: paths.map((path) => ({ ...path, backend })) } }],
          },
        },
        { parent: this },
      );
      return `${tls ? "https" : "http"}://${host}`;
    };

    this.addresses = {
      ...(args.manager === undefined ? {} : { manager: ingress("manager", args.manager) }),
      ...(args.admin === undefined ? {} : { admin: ingress("admin", args.admin) }),
    };
    this.registerOutputs({ addresses: this.addresses });
  }
}
