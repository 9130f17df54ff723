import type { z } from "zod";
import * as scalar from "./scalars.ts";

export const managerDatabaseSchema = scalar
  .object({
    host: scalar.host.meta({
      description: "Host name or IP address, for the machine that runs Pulumi and for the cluster.",
      change:
        "After a change the server counts as the same one under another name, and what is missing there is created.",
    }),
    port: scalar.port.default(5432),
    name: scalar.databaseName.default("pulsar_manager").meta({
      description: "Database.",
      change: "A change creates another database with empty tables. The old one stays, unless `deleteData` is true.",
    }),
    user: scalar.databaseRole.default("pulsar_manager").meta({
      description: "Role that the manager logs in as, and that owns everything in its database.",
      change:
        "A change creates another role and makes it the owner, which needs a superuser. The old one stays, unless `deleteData` is true.",
    }),
    tls: scalar
      .oneOf(["disable", "require", "verify-full"])
      .default("require")
      .describe(
        "TLS to the server, of Pulumi and of the manager. require does not check the certificate. Production refuses disable.",
      ),
    tlsCaFile: scalar.pemFile
      .optional()
      .describe(
        "CA that the server's certificate is checked against. The manager does not read it: its image must trust the CA.",
      ),
    create: scalar.flag.default(true).meta({
      description: "Whether the stack creates role and database. false: they exist.",
      change: "A change to false treats role and database as a destroy does; see `deleteData`.",
    }),
    deleteData: scalar.flag.default(false).describe("Whether `pulumi destroy` drops role, database and tables."),
    admin: scalar
      .object({
        user: scalar.unquotedText("a PostgreSQL role").default("postgres"),
        database: scalar.sqlName.default("postgres"),
        superuser: scalar.flag
          .default(true)
          .describe("false for a managed server whose administrator is no superuser."),
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
  .describe("PostgreSQL database of Pulsar Manager.");

export type ManagerDatabaseSettings = z.output<typeof managerDatabaseSchema>;

/** How a connection is secured, as libpq names it. `require` does not check the server's certificate; `verify-full` does. */
export type TlsMode = ManagerDatabaseSettings["tls"];

/**
 * The URL of the database for PostgreSQL's JDBC driver. `verify-full` uses the CAs that Java trusts, because by default the driver reads a file
 * in its home directory.
 */
export function jdbcUrl({ host, port, name, tls }: Pick<ManagerDatabaseSettings, "host" | "port" | "name" | "tls">) {
  const address = host.includes(":") ? `[${host}]` : host;
  const parameters = {
    disable: "",
    require: "?sslmode=require",
    "verify-full": "?sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory",
  };
  // The address is part of a shell command in the manager's image, which would remove quotation marks.
  const database = encodeURIComponent(name).replaceAll("'", "%27");
  return `jdbc:postgresql://${address}:${port}/${database}${parameters[tls]}`;
}
