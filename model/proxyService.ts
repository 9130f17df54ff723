import { z } from "zod";
import * as scalar from "./scalars.ts";

const families = ["IPv4", "IPv6"] as const;

/** The proxies' Service, through which Pulsar's clients outside the cluster connect. */
export const proxyServiceSchema = scalar
  .object({
    type: scalar.oneOf(["ClusterIP", "NodePort", "LoadBalancer"]).default("ClusterIP").meta({
      description: "Type of the Service. Production allows others than ClusterIP only with TLS.",
      change: "Existing connections stay. An `up` waits until a load balancer has an address.",
    }),
    annotations: scalar.annotations.describe(
      "Annotations for the load balancer's controller, or for the Ingress controller.",
    ),
    sourceRanges: z
      .array(scalar.cidr, { error: "a list of ranges such as 203.0.113.0/24" })
      .min(1, { error: "a list of ranges such as 203.0.113.0/24, or remove it to allow everybody" })
      .optional()
      .meta({ description: "Addresses that the load balancer accepts.", otherwise: "everybody" }),
    ipFamilies: z
      .array(scalar.oneOf(families), scalar.anyOf(families))
      .min(1, scalar.anyOf(families))
      .refine((given) => new Set(given).size === given.length, scalar.anyOf(families))
      .optional()
      .meta({ description: "IPv4, IPv6 or both; the first is the main one.", otherwise: "the cluster's default" }),
    externalTrafficPolicy: scalar.oneOf(["Cluster", "Local"]).optional().meta({
      description:
        "Local keeps the clients' addresses, which `networkPolicies.clients` needs, and serves only on nodes with a proxy.",
      otherwise: "Cluster",
    }),
  })
  .prefault({})
  .meta({
    description: "The proxies' Service: access from outside the cluster for Pulsar's clients.",
    example: "pulsar:proxyService:\n  type: LoadBalancer\n  sourceRanges: [203.0.113.0/24]",
  });

export type ProxyService = z.output<typeof proxyServiceSchema>;
