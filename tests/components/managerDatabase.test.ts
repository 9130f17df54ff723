import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { ManagerDatabase, type ManagerDatabaseArgs } from "../../components/managerDatabase.ts";
import { managerDatabaseSchema } from "../../model/managerDatabase.ts";
import { managerSchema } from "../../model/managerSchemas/index.ts";
import { watch } from "../../review/program/monitor.ts";
import { register, type Registered } from "../support/mocks.ts";

const settings = managerDatabaseSchema.parse({ host: "db.example.com", tls: "disable" });
const args: ManagerDatabaseArgs = {
  ...settings,
  admin: { ...settings.admin, password: "admin-secret" },
  password: "role-secret",
  managerVersion: "v0.2.0",
};

interface Outcome {
  resources: Map<string, Registered>;
  /** Of every resource: the name of its provider and the changes that replace it, both of which the mocks leave out. */
  requests: Map<string, { provider: string; replaceOnChanges: string[] }>;
  jdbcUrl: string;
  ready: string;
}

/** The part of the SDK's request for a resource that the mocks leave out (resource.proto, RegisterResourceRequest). */
interface Request {
  getName(): string;
  getProvider(): string;
  getReplaceonchangesList(): string[];
}

async function build(changes: Partial<ManagerDatabaseArgs> = {}, preview = false): Promise<Outcome> {
  const requests: Outcome["requests"] = new Map();
  let url = "";
  let ready = "";
  const registered = await register(
    () => {
      watch(pulumi.runtime.getMonitor(), "registerResource", (request: Request) => {
        // A reference to a provider is its URN and its id.
        const provider = request.getProvider().split("::")[3] ?? "";
        requests.set(request.getName(), { provider, replaceOnChanges: request.getReplaceonchangesList() });
      });
      const component = new ManagerDatabase("manager", { ...args, ...changes });
      url = component.jdbcUrl;
      component.ready.urn.apply((urn) => (ready = urn.split("::")[3] ?? ""));
    },
    { preview },
  );
  const children = registered.filter((resource) => resource.custom);
  return { resources: new Map(children.map((resource) => [resource.name, resource])), requests, jdbcUrl: url, ready };
}

function inputsOf({ resources }: Outcome, name: string): Record<string, unknown> {
  const resource = resources.get(name);
  assert.ok(resource, `${name} is not registered`);
  return resource.inputs;
}

test("with an admin, role, database, schema, grants and tables are created", async (t: TestContext) => {
  const outcome = await build();

  await t.test("each has its own name and is a child of the component", () => {
    const types = Object.fromEntries([...outcome.resources].map(([name, { type }]) => [name, type]));
    assert.deepEqual(types, {
      "manager-names": "pulumi-nodejs:dynamic/pulsar:ManagerNames",
      "manager-server": "pulumi:providers:postgresql",
      "manager-role": "postgresql:index/role:Role",
      "manager-database": "postgresql:index/database:Database",
      "manager-schema": "postgresql:index/schema:Schema",
      "manager-grant-database": "postgresql:index/grant:Grant",
      "manager-grant-schema": "postgresql:index/grant:Grant",
      "manager-tables": "pulumi-nodejs:dynamic/pulsar:ManagerTables",
    });
    for (const { name, parent } of outcome.resources.values()) assert.equal(parent, "manager", name);
  });

  await t.test("the provider has a connection timeout", () => {
    assert.deepEqual(inputsOf(outcome, "manager-server"), {
      host: "db.example.com",
      port: "5432",
      username: "postgres",
      password: "admin-secret",
      database: "postgres",
      superuser: "true",
      sslmode: "disable",
      connectTimeout: "10",
    });
    for (const name of ["role", "database", "schema", "grant-database", "grant-schema"]) {
      assert.equal(outcome.requests.get(`manager-${name}`)?.provider, "manager-server");
    }
  });

  await t.test("they have the given names in PostgreSQL, and the role owns them", () => {
    const role = inputsOf(outcome, "manager-role");
    assert.deepEqual([role.name, role.login, role.password], ["pulsar_manager", true, "role-secret"]);
    assert.deepEqual(inputsOf(outcome, "manager-database"), {
      name: "pulsar_manager",
      owner: "pulsar_manager",
      alterObjectOwnership: true,
    });
    const schema = inputsOf(outcome, "manager-schema");
    assert.deepEqual(
      [schema.name, schema.database, schema.owner, schema.ifNotExists, schema.dropCascade],
      ["public", "pulsar_manager", "pulsar_manager", true, false],
    );
  });

  await t.test("grants list their privileges, and none is on tables or sequences", () => {
    const grants = [...outcome.resources.values()].filter(
      (resource) => resource.type === "postgresql:index/grant:Grant",
    );
    assert.deepEqual(
      grants.map(({ inputs }) => [inputs.objectType, inputs.privileges]),
      [
        ["database", ["CONNECT", "CREATE", "TEMPORARY"]],
        ["schema", ["CREATE", "USAGE"]],
      ],
    );
  });

  await t.test("the manager's role creates the tables, from the schema of its version", () => {
    const { sql, tables } = managerSchema("v0.2.0");
    const { __provider, ...inputs } = inputsOf(outcome, "manager-tables");
    assert.equal(typeof __provider, "string");
    assert.deepEqual(inputs, {
      host: "db.example.com",
      port: 5432,
      database: "pulsar_manager",
      user: "pulsar_manager",
      password: "role-secret",
      tls: "disable",
      schemaVersion: "v0.2.0",
      sql,
      tables,
      deleteTables: false,
    });
  });

  await t.test("they are created in sequence", () => {
    const after = (name: string) => outcome.resources.get(`manager-${name}`)?.dependsOn;
    assert.deepEqual(after("role"), ["manager-names"]);
    assert.deepEqual(after("database"), ["manager-names", "manager-role"]);
    assert.deepEqual(after("schema"), ["manager-database", "manager-role"]);
    assert.ok(after("grant-database")?.includes("manager-schema"));
    assert.ok(after("grant-schema")?.includes("manager-grant-database"));
    assert.deepEqual(after("tables"), ["manager-grant-schema"]);
    assert.equal(outcome.ready, "manager-tables");
  });

  await t.test("plain passwords become secret", () => {
    for (const [name, { secretInputs }] of outcome.resources) {
      const secret = ["manager-names", "manager-server", "manager-role", "manager-tables"].includes(name)
        ? ["password"]
        : [];
      assert.deepEqual(secretInputs, secret, name);
    }
  });

  await t.test("existing names are recorded first, and a hook runs before each creation", () => {
    const { __provider, ...inputs } = inputsOf(outcome, "manager-names");
    assert.equal(typeof __provider, "string");
    assert.deepEqual(inputs, {
      host: "db.example.com",
      port: 5432,
      database: "postgres",
      user: "postgres",
      password: "admin-secret",
      tls: "disable",
      names: { role: "pulsar_manager", database: "pulsar_manager" },
    });
    assert.deepEqual(outcome.resources.get("manager-names")?.options, { additionalSecretOutputs: ["password"] });
    const hooked = [...outcome.resources.values()].filter(({ options }) => options.beforeCreate);
    assert.deepEqual(
      hooked.map(({ name, options }) => [name, options.beforeCreate]),
      [
        ["manager-database", ["manager-make-room-for-database"]],
        ["manager-role", ["manager-make-room-for-role"]],
      ],
    );
  });

  await t.test("a destroy keeps the role, the database and its contents", () => {
    for (const name of ["role", "database", "schema", "grant-database", "grant-schema"]) {
      assert.equal(outcome.resources.get(`manager-${name}`)?.options.retainOnDelete, true, name);
    }
    assert.equal(outcome.resources.get("manager-role")?.inputs.skipReassignOwned, true);
  });
});

test("with deleteData a destroy drops the role and the database with its contents", async () => {
  const outcome = await build({ deleteData: true });
  const retained = [...outcome.resources.values()]
    .filter(({ options }) => options.retainOnDelete)
    .map(({ name }) => name);
  assert.deepEqual(retained.sort(), ["manager-grant-database", "manager-grant-schema", "manager-schema"]);
  assert.equal(outcome.resources.get("manager-tables")?.options.deletedWith, "manager-database");
  assert.equal(inputsOf(outcome, "manager-tables").deleteTables, true);
});

test("a changed name replaces the role or database, because the state does not follow a rename", async () => {
  const { requests } = await build();
  for (const [name, { replaceOnChanges }] of requests) {
    const byName = name === "manager-role" || name === "manager-database";
    assert.deepEqual(replaceOnChanges, byName ? ["name"] : [], name);
  }
});

test("without create, only the tables are created, and no admin is needed", async () => {
  const outcome = await build({ create: false, admin: undefined });
  assert.deepEqual([...outcome.resources.keys()], ["manager-tables"]);
  assert.deepEqual(outcome.resources.get("manager-tables")?.dependsOn, []);
});

test("with protect the engine refuses to delete role, database and tables, and only these", async () => {
  const isProtected = async (changes: Partial<ManagerDatabaseArgs>) =>
    [...(await build(changes)).resources.values()]
      .filter(({ options }) => options.protect)
      .map(({ name }) => name)
      .sort();
  assert.deepEqual(await isProtected({}), []);
  assert.deepEqual(await isProtected({ protect: true }), ["manager-database", "manager-role", "manager-tables"]);
  assert.deepEqual(await isProtected({ protect: true, create: false, admin: undefined }), ["manager-tables"]);
});

test("an admin without superuser rights, in another database, over TLS", async () => {
  const outcome = await build({
    tls: "require",
    admin: { user: "rds", password: "admin-secret", database: "template1", superuser: false },
  });
  const { database, superuser, sslmode } = inputsOf(outcome, "manager-server");
  assert.deepEqual([database, superuser, sslmode], ["template1", "false", "require"]);
});

test("the JDBC URL is known at preview and contains no credentials", async () => {
  const outcome = await build({}, true);
  assert.equal(outcome.jdbcUrl, "jdbc:postgresql://db.example.com:5432/pulsar_manager");
});

test("invalid arguments give an error of one line", async (t) => {
  const faults: [Partial<ManagerDatabaseArgs>, RegExp][] = [
    [{ admin: undefined }, /^manager: admin is not set, so role and database cannot be created; .*create to false/],
    [
      { tls: "verify-full", tlsCaFile: "missing.pem" },
      /^pulsar:managerDatabase\.tlsCaFile: missing\.pem cannot be read \(ENOENT/,
    ],
  ];
  for (const [change, message] of faults) {
    await t.test(message.source, async () => {
      await pulumi.runtime.setMocks({
        newResource: ({ inputs }) => ({ id: "id", state: inputs as object }),
        call: () => ({}),
      });
      assert.throws(
        () => new ManagerDatabase("manager", { ...args, ...change }),
        (error) => pulumi.RunError.isInstance(error) && message.test(error.message),
      );
      // The component is still being registered, and the mocks of the next test file do not know it.
      await pulumi.runtime.disconnect();
    });
  }
});
