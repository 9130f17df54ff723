import { z } from "zod";
import { chartLine, supportedChartVersions } from "./charts/lines.ts";
import * as scalar from "./scalars.ts";

/** Tenants, namespaces, topics and permissions that the stack manages in Pulsar. */

/** The actions of all chart lines; `tenantFaults` checks those of the stack's own line. */
const everyAction = [...new Set(supportedChartVersions.flatMap((version) => chartLine(version).actions))] as [
  string,
  ...string[],
];
const permissions = z
  .array(
    scalar.object({
      role: scalar.anyRole.describe("Role: the `sub` of its token."),
      actions: z
        .array(scalar.oneOf(everyAction), scalar.anyOf(everyAction))
        .min(1, scalar.anyOf(everyAction))
        .describe("`packages` is not known to chart 2.7.7."),
    }),
    {
      error: "a list of permissions, each {role, actions}",
    },
  )
  .default([])
  .describe("What roles may do here. A role has exactly the actions listed.");
/** Pulsar stores these as signed 32-bit integers. */
const largest = 2 ** 31 - 1;
const limit = scalar.wholeNumber(-1, largest);
const retention = scalar
  .object({ minutes: limit, megabytes: limit })
  .refine(({ minutes, megabytes }) => (minutes === 0) === (megabytes === 0), {
    error: "0 for both (nothing is kept) or for neither; -1 means no limit",
  });
const create = (what: string) =>
  scalar.flag.default(true).describe(`Whether the stack creates the ${what}. false: it must exist and is left alone.`);
const topic = scalar.object({
  name: scalar.topicName.describe("Name of the topic."),
  create: create("topic"),
  partitions: scalar.wholeNumber(0, 10_000).optional().meta({
    description: "Number of partitions. 0: not partitioned.",
    otherwise: "0",
    change: "The number can only grow.",
  }),
  permissions,
});
const pulsarNamespace = scalar.object({
  name: scalar.pulsarName.describe("Name of the namespace."),
  create: create("namespace"),
  deleteData: scalar.flag.default(false).describe("Whether topics that hold messages may be deleted."),
  messageTtlSeconds: scalar
    .wholeNumber(0, largest)
    .optional()
    .meta({ description: "Time to live of messages, in seconds.", otherwise: "not managed" }),
  retention: retention.optional().meta({
    description: "How long, and how much of, acknowledged messages are kept. -1: without limit.",
    otherwise: "not managed",
  }),
  permissions,
  topics: z
    .array(topic, { error: "a list of topics, each with its name" })
    .default([])
    .describe("Topics in the namespace."),
});
const tenant = scalar.object({
  name: scalar.pulsarName.describe("Name of the tenant."),
  create: create("tenant"),
  adminRoles: z
    .array(scalar.anyRole, { error: "a list of roles" })
    .optional()
    .meta({ description: "Roles that administer the tenant.", otherwise: "none" }),
  allowedClusters: z
    .array(scalar.pulsarName, { error: "a list of clusters" })
    .min(1, { error: "at least one cluster" })
    .optional()
    .meta({ description: "Clusters that the tenant may use.", otherwise: "this cluster" }),
  namespaces: z
    .array(pulsarNamespace, { error: "a list of namespaces, each with its name" })
    .default([])
    .describe("Namespaces of the tenant."),
});

/** What an entry of `adoptedTenants` names, with everything that the settings state in it. */
export const adoptable =
  "the path of a tenant, namespace or topic in pulsar:tenants, such as shop, shop/orders or shop/orders/created";

export const tenantsSchema = z.array(tenant, { error: "a list of tenants, each with its name" }).default([]).meta({
  description: "Tenants, namespaces, topics and permissions in Pulsar; see docs/tenants.md.",
  example:
    "pulsar:tenants:\n  - name: shop\n    namespaces:\n      - name: orders\n        topics: [{ name: created, partitions: 3 }]",
});

export const adoptedTenantsSchema = z
  .array(z.string({ error: adoptable }), { error: `a list, each ${adoptable}` })
  .default([])
  .describe(
    "Paths in `tenants` (shop, shop/orders, shop/orders/created) of what this stack created before a destroy. The next `up` takes over what exists and creates what does not. Remove the entries afterwards.",
  );

export const adminApiSchema = scalar
  .object({
    address: scalar.httpAddress.optional().meta({
      description: "Address of the admin API from where Pulumi runs.",
      otherwise: "a port-forward to a proxy",
    }),
    caFile: scalar.pemFile.optional().describe("CA to trust there."),
  })
  .prefault({})
  .describe("How Pulumi reaches Pulsar's admin API.");

/**
 * The tenants with their defaults.
 *
 * @param cluster the stack's cluster in Pulsar, which a tenant may use by default
 */
export function tenantsOf(
  { tenants, adoptedTenants }: Record<"tenants", z.output<typeof tenantsSchema>> & Record<"adoptedTenants", string[]>,
  cluster: string,
) {
  /** Whether to adopt an existing object that is not in the state yet. An entry applies to everything in what it names. */
  const adoption = (...path: string[]): { adopt?: boolean } =>
    path.some((_, i) => adoptedTenants.includes(path.slice(0, i + 1).join("/"))) ? { adopt: true } : {};
  return tenants.map(({ adminRoles = [], allowedClusters = [cluster], namespaces, ...tenant }) => ({
    ...tenant,
    ...adoption(tenant.name),
    adminRoles,
    allowedClusters,
    namespaces: namespaces.map((namespace) => ({
      ...namespace,
      ...adoption(tenant.name, namespace.name),
      topics: namespace.topics.map((topic) => ({
        ...topic,
        ...adoption(tenant.name, namespace.name, topic.name),
        partitions: topic.partitions ?? 0,
      })),
    })),
  }));
}

export type TenantSettings = ReturnType<typeof tenantsOf>[number];
/** An object that the stack may own. If it does not, it manages only what is below it. */
export type Owned = Pick<TenantSettings, "name" | "create" | "adopt">;
/** All permissions of a role on a namespace or a topic. The permissions of other roles are not managed. */
export type PermissionSettings = z.output<typeof permissions>[number];
/** How long, and how much of, acknowledged messages are kept. */
export type Retention = z.output<typeof retention>;
export type AdminApiSettings = z.output<typeof adminApiSchema>;
