import { z } from "zod";
import { imagesSchema } from "../model/charts/images.ts";
import { chartSchema } from "../model/charts/lines.ts";
import { ingressSchema } from "../model/ingress.ts";
import {
  nodeGroupsSchema,
  nodeLabelSchema,
  nodesSchema,
  nodeTaintSchema,
  replicasSchema,
} from "../model/layouts/layout.ts";
import { layoutNames } from "../model/layouts/layouts.ts";
import { ledgersSchema } from "../model/ledgers.ts";
import { managerDatabaseSchema } from "../model/managerDatabase.ts";
import { monitoringSchema } from "../model/monitoring.ts";
import { networkPoliciesSchema } from "../model/network/policies.ts";
import { proxyServiceSchema } from "../model/proxyService.ts";
import * as scalar from "../model/scalars.ts";
import { podsSchema } from "../model/sizing.ts";
import { adminApiSchema, adoptedTenantsSchema, tenantsSchema } from "../model/tenants.ts";
import { tlsSchema } from "../model/tlsSettings.ts";
import { clientsSchema, tokensSchema } from "../model/tokens.ts";
import { movedVolumesSchema, volumesSchema } from "../model/volumes.ts";
import { policyWaiversSchema } from "../policy/waivers.ts";
import { dockerConfig } from "./pullCredentials.ts";

const { flag, object, oneOf } = scalar;
/** Settings that hold secrets. Each must be encrypted, and no other may be. */
const secrets = {
  imagePullCredentials: dockerConfig.optional().meta({
    description: "Docker configuration (JSON) that the pull Secret is created from.",
    otherwise: "the pull Secret must exist in the namespace",
  }),
  managerPassword: scalar.loginPassword.meta({
    description: "Password of `manager.user`, at least six characters.",
    change: "The first `up` creates the login. Change the password in the manager's database first, then here.",
  }),
  managerDatabasePassword: scalar.databasePassword.describe(
    "Password of `managerDatabase.user`, without white space, quotation marks, backslash and `${...}`: Pulsar Manager would change them.",
  ),
  managerDatabaseAdminPassword: z.string().optional().meta({
    description: "Password of `managerDatabase.admin.user`.",
    otherwise: "required, unless `managerDatabase.create` is false",
  }),
};
export type SecretKey = keyof typeof secrets;
export const secretKeys = Object.keys(secrets) as SecretKey[];

/**
 * The stack's configuration, key by key. `npm run docs` generates from it: the `config` block of Pulumi.yaml, docs/settings.md and
 * schemas/stack.schema.json.
 */
export const schema = object({
  layout: oneOf(layoutNames).meta({
    description:
      "Which node runs what. mixed: every node runs ZooKeeper, a bookie, a broker and a proxy. dedicated: ZooKeeper, the bookies and everything else each have nodes of their own.",
    change: "Refused once there is data.",
  }),
  environment: oneOf(["test", "production"]).optional().meta({
    description:
      "production protects volumes, keys, tokens and database, refuses `pulumi destroy`, and refuses risky settings. test does none of this.",
    otherwise: "production with the dedicated layout, test with the mixed one",
  }),
  nodes: nodesSchema,
  nodeGroups: nodeGroupsSchema,
  nodeLabel: nodeLabelSchema,
  nodeTaint: nodeTaintSchema,
  clusterHasOtherNodes: flag
    .default(false)
    .describe("Whether the cluster has other nodes. The rehearsal then simulates one, without a taint."),
  clusterDomain: scalar.name.default("cluster.local").meta({
    description: "DNS domain of the Kubernetes cluster (`clusterDomain` of the kubelets).",
    change: "Every bookie is registered under its full host name: a change is refused once there is data.",
  }),
  namespace: scalar.label
    .default("pulsar")
    .meta({ description: "Kubernetes namespace of all objects.", change: "Refused once there is data." }),
  createNamespace: flag
    .default(true)
    .describe("Whether the stack creates the namespace, and deletes it on destroy. false: it must exist."),
  release: scalar.releaseName.default("pulsar").meta({
    description:
      "Name of the Helm release. All objects and claims are named after it. The limit of its length depends on the chart version.",
    change: "Refused once there is data.",
  }),
  chart: chartSchema,
  registry: scalar.registry.optional().meta({
    description:
      "Registry that is put before every image: `host[:port][/path]`. `npm run images` lists what it must hold.",
    otherwise: "images are used as they are named",
  }),
  images: imagesSchema,
  tokens: tokensSchema,
  clients: clientsSchema,
  tls: tlsSchema,
  replicas: replicasSchema,
  ledgers: ledgersSchema,
  pods: podsSchema,
  volumes: volumesSchema,
  movedVolumes: movedVolumesSchema,
  manager: object({ user: scalar.loginName.default("admin").describe("Login name.") })
    .prefault({})
    .describe("The login to Pulsar Manager."),
  managerDatabase: managerDatabaseSchema,
  networkPolicies: networkPoliciesSchema,
  monitoring: monitoringSchema,
  tenants: tenantsSchema,
  adoptedTenants: adoptedTenantsSchema,
  adminApi: adminApiSchema,
  ingress: ingressSchema,
  proxyService: proxyServiceSchema,
  smokeTest: flag
    .default(true)
    .describe(
      "Whether an `up` that changes the release or the key ends with a test: messages go through the proxy, and wrong tokens are refused.",
    ),
  policyWaivers: policyWaiversSchema,
  values: z
    .record(z.string(), z.json(), { error: "an object of chart values" })
    .default({})
    .describe(
      "Chart values that override the program's own. Refused are secrets and what other settings say. Production also refuses other replicas and placement, and values that switch off persistence, authentication or encryption or that expose the manager; a test environment accepts these, to try out failures. The preview warns of keys that the chart does not read.",
    ),
  ...secrets,
});

/** The settings as they are given, with the defaults that depend on nothing else. */
export type Parsed = z.output<typeof schema>;

/** Whether `pulumi config` keeps the key as plain text. The values of all other keys arrive as JSON. */
export function isText(key: string): boolean {
  const part = new Map<string, z.core.$ZodType>(Object.entries(schema.shape)).get(key);
  return part === undefined || typeOf(part) === "string";
}

/** The type of a key in Pulumi.yaml. */
export function typeOf(part: z.core.$ZodType): "string" | "boolean" | "array" | "object" {
  const { def } = (part as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "default":
    case "prefault":
      return typeOf(def.innerType);
    case "pipe":
      return typeOf(def.out);
    case "boolean":
    case "array":
      return def.type;
    case "object":
    case "record":
      return "object";
    default:
      return "string";
  }
}

/** The settings with defaults in place of those that are invalid on their own, so that the others can be checked too. */
export function validPart(raw: Record<string, unknown>): { given: Parsed; invalid: string[] } {
  const invalid: string[] = [];
  const parts = Object.entries(schema.shape).flatMap(([key, part]) => {
    const parsed = part.safeParse(raw[key]);
    if (parsed.success) return [[key, parsed.data]];
    invalid.push(key);
    return [];
  });
  const defaults = schema.parse({
    layout: "mixed",
    environment: "test",
    managerPassword: "unset-password",
    managerDatabase: { host: "localhost" },
    managerDatabasePassword: "unset",
  });
  return { given: { ...defaults, ...(Object.fromEntries(parts) as Partial<Parsed>) }, invalid };
}
