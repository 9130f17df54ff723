import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { managerSchema, supportedManagerVersions } from "../../model/managerSchemas/index.ts";

/** The statements of a schema file, without comments. */
function statements(sql: string): string[] {
  const code = sql.replaceAll(/--.*$/gm, "");
  return code
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

for (const version of supportedManagerVersions) {
  test(`the schema of ${version} creates exactly the tables that it names, each only if it does not exist`, () => {
    const { sql, tables } = managerSchema(version);
    const made = statements(sql).map((statement) => /^CREATE TABLE IF NOT EXISTS (\w+) \(/.exec(statement)?.[1]);
    assert.deepEqual(made, tables);
  });
}

test("v0.2.0 has twelve tables", () => {
  assert.equal(managerSchema("v0.2.0").tables.length, 12);
});

test("v0.4.0 has a bookie for each environment, and no roles", () => {
  const { sql, tables } = managerSchema("v0.4.0");
  assert.match(sql, /TABLE IF NOT EXISTS environments \([^;]*\n {2}bookie VARCHAR\(1024\) NOT NULL,/);
  const former = managerSchema("v0.2.0").tables.filter((table) => !["roles", "role_binding"].includes(table));
  assert.deepEqual(tables, former);
});

test("every schema file is for a supported version", () => {
  const files = readdirSync(new URL("../../model/managerSchemas/", import.meta.url)).filter((file) =>
    file.endsWith(".sql"),
  );
  assert.deepEqual(
    files.sort(),
    supportedManagerVersions.map((version) => `pulsar-manager-${version}.sql`),
  );
});

for (const version of ["v0.3.0", "latest", "toString", "../v0.2.0"]) {
  test(`refuses an unsupported version by name: ${version}`, () => {
    assert.throws(() => managerSchema(version), {
      message: `no database schema for Pulsar Manager "${version}"; use one of v0.2.0, v0.4.0`,
    });
  });
}
