import { z } from "zod";
import { defaultChartVersion, supportedChartVersions } from "../model/charts/lines.ts";
import { ingressSchema } from "../model/ingress.ts";
import { nodeGroupsSchema, nodeLabelSchema, nodesSchema, nodeTaintSchema } from "../model/layouts/layout.ts";
import { layoutNames } from "../model/layouts/layouts.ts";
import { supportedManagerVersions } from "../model/managerSchemas/index.ts";
import { networkPoliciesSchema } from "../model/network/policies.ts";
import * as scalar from "../model/scalars.ts";
import { podsSchema } from "../model/sizing.ts";
import { adoptedTenantsSchema, tenantsSchema } from "../model/tenants.ts";
import { clientsSchema, tokensSchema } from "../model/tokens.ts";
import { movedVolumesSchema, volumesSchema } from "../model/volumes.ts";
import { dockerConfig } from "./pullCredentials.ts";

const { flag, object, oneOf } = scalar;
const minutes = scalar.wholeNumber(1, 1440);
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
  chart: object({
    version: oneOf(supportedChartVersions).default(defaultChartVersion).meta({
      description: "Version of Pulsar's Helm chart.",
      change: "A change between the chart lines 2.7 and 4 is a migration and is refused.",
    }),
    source: scalar.chartSource
      .default("https://pulsar.apache.org/charts")
      .describe(
        "Helm repository, `oci://` address, path of a chart of that version, or `repository/chart` as `helm repo add` names it.",
      ),
    timeoutMinutes: minutes.default(30).describe("How long Helm waits for pods and init Jobs, in minutes."),
  })
    .prefault({})
    .describe("Pulsar's Helm chart."),
  registry: scalar.registry.optional().meta({
    description:
      "Registry that is put before every image: `host[:port][/path]`. `npm run images` lists what it must hold.",
    otherwise: "images are used as they are named",
  }),
  images: object({
    pulsar: scalar.image
      .optional()
      .meta({ description: "Image of Pulsar, with its tag.", otherwise: "the chart version's" }),
    manager: scalar.image
      .refine((image) => supportedManagerVersions.includes(image.tag), {
        error: `an image whose tag is a pulsar-manager version with a known schema: ${supportedManagerVersions.join(", ")}`,
      })
      .optional()
      .meta({ description: "Image of Pulsar Manager, with its tag.", otherwise: "the chart version's" }),
    pullSecret: scalar.name.optional().describe("Name of the registry's pull Secret."),
  })
    .prefault({})
    .describe("Images. A digest may follow the tag (`@sha256:...`)."),
  tokens: tokensSchema,
  clients: clientsSchema,
  replicas: object({
    zookeeper: scalar.replicas.optional().meta({ otherwise: "3; in the dedicated layout one per node" }),
    bookkeeper: scalar.replicas.optional().meta({ otherwise: "3; in the dedicated layout one per node" }),
    broker: scalar.replicas.default(3),
    proxy: scalar.replicas.default(3),
    autorecovery: scalar.replicas.default(1),
    toolset: scalar.replicas.default(1),
  })
    .prefault({})
    .describe("Number of pods of each component."),
  ledgers: object({
    ensemble: scalar.replicas
      .optional()
      .meta({ description: "Bookies that a ledger is spread over.", otherwise: "2 (mixed), 3 (dedicated)" }),
    write: scalar.replicas
      .optional()
      .meta({ description: "Copies of each entry.", otherwise: "2 (mixed), 3 (dedicated)" }),
    ack: scalar.replicas.optional().meta({ description: "Copies that must be acknowledged.", otherwise: "2" }),
  })
    .prefault({})
    .meta({ description: "Quorums that brokers write ledgers with.", change: "Applies to new ledgers." }),
  pods: podsSchema,
  volumes: volumesSchema,
  movedVolumes: movedVolumesSchema,
  manager: object({ user: scalar.loginName.default("admin").describe("Login name.") })
    .prefault({})
    .describe("The login to Pulsar Manager."),
  managerDatabase: object({
    host: scalar.host.describe("Host name or IP address."),
    port: scalar.port.default(5432),
    name: scalar.databaseName.default("pulsar_manager").describe("Database."),
    user: scalar.databaseRole.default("pulsar_manager").describe("Role that the manager logs in as."),
    tls: oneOf(["disable", "require", "verify-full"])
      .default("require")
      .describe("TLS to the server. Production refuses disable."),
    tlsCaFile: scalar.pemFile.optional().describe("CA that the server's certificate is checked against."),
    create: flag.default(true).describe("Whether the stack creates role and database. false: they exist."),
    deleteData: flag.default(false).describe("Whether `pulumi destroy` drops role, database and tables."),
    admin: object({
      user: scalar.unquotedText("a PostgreSQL role").default("postgres"),
      database: scalar.sqlName.default("postgres"),
      superuser: flag.default(true).describe("false for a managed server whose administrator is no superuser."),
    })
      .prefault({})
      .describe("Role that creates the manager's role and database."),
  })
    .superRefine((database, context) => {
      if (!database.create) return;
      // The provider's ids join names with dots (postgresql 3.18.1, Schema), and people type the names unquoted.
      for (const key of ["name", "user"] as const) {
        const [issue] = scalar.sqlName.safeParse(database[key]).error?.issues ?? [];
        if (issue === undefined) continue;
        const message = `${issue.message}, or set pulsar:managerDatabase.create to false if it exists`;
        context.addIssue({ code: "custom", path: [key], message });
      }
    })
    .prefault({} as never)
    .describe("PostgreSQL database of Pulsar Manager."),
  networkPolicies: networkPoliciesSchema,
  monitoring: object({
    podMonitors: flag.default(false).describe("Whether there is a PodMonitor for each component with metrics."),
    interval: scalar.duration.default("60s").describe("How often Prometheus scrapes each pod."),
    labels: z
      .record(scalar.kubernetesLabelKey, scalar.kubernetesLabelValue, { error: "labels, each with its value" })
      .default({})
      .describe("Labels that Prometheus selects PodMonitors by."),
  })
    .prefault({})
    .describe("PodMonitors (monitoring.coreos.com/v1) for the Prometheus operator."),
  tenants: tenantsSchema,
  adoptedTenants: adoptedTenantsSchema,
  adminApi: object({
    address: scalar.httpAddress.optional().meta({
      description: "Address of the admin API from where Pulumi runs.",
      otherwise: "a port-forward to a proxy",
    }),
    caFile: scalar.pemFile.optional().describe("CA to trust there."),
  })
    .prefault({})
    .describe("How Pulumi reaches Pulsar's admin API."),
  ingress: ingressSchema,
  smokeTest: flag
    .default(true)
    .describe(
      "Whether an `up` that changes the release or the key ends with a test: messages go through the proxy, and wrong tokens are refused.",
    ),
  values: z
    .record(z.string(), z.json(), { error: "an object of chart values" })
    .default({})
    .describe(
      "Chart values that override the program's own. No secrets, and nothing that another setting says. The preview warns of keys that the chart does not read.",
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
