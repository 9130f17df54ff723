import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { columnFaults, columnsIn } from "../../../resources/postgres/managerTablesSql.ts";
import { managerSchema, supportedManagerVersions } from "../../../model/managerSchemas/index.ts";

describe("the columns of a schema", () => {
  for (const version of supportedManagerVersions) {
    test(`${version}: exist for every table`, () => {
      const { sql, tables } = managerSchema(version);
      const columns = columnsIn(sql);
      assert.deepEqual([...new Set(columns.map(({ table }) => table))], tables);
      const lines = sql.split("\n").filter((line) => /^ {2}\w/.test(line) && !/^ {2}(CONSTRAINT|UNIQUE)\b/.test(line));
      assert.deepEqual(
        columns.map(({ name }) => name),
        lines.map((line) => line.trim().split(" ")[0]),
      );
    });
  }
});

describe("tables of another version", () => {
  const made = (version: string) =>
    columnsIn(managerSchema(version).sql).map((column) => ({ ...column, needed: column.name === "bookie" }));
  const wanted = (version: string) => columnsIn(managerSchema(version).sql);

  test("are recognized by a missing column", () => {
    assert.deepEqual(columnFaults(wanted("v0.4.0"), made("v0.2.0")), ["environments has no column bookie"]);
  });

  test("are recognized by a required column that the manager would leave empty", () => {
    const found = made("v0.4.0");
    const only = wanted("v0.2.0").filter(({ table }) => found.some((column) => column.table === table));
    assert.deepEqual(columnFaults(only, found), ["environments has a column bookie that requires a value"]);
  });

  test("do not include those of the version itself, or those with an additional nullable column", () => {
    const own = { table: "users", name: "nickname", needed: false };
    assert.deepEqual(columnFaults(wanted("v0.4.0"), [...made("v0.4.0"), own]), []);
  });
});
