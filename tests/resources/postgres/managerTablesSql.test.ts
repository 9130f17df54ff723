import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { columnFaults, columnsIn } from "../../../resources/postgres/managerTablesSql.ts";
import { managerSchema, supportedManagerVersions } from "../../../model/managerSchemas/index.ts";

describe("the columns of a schema", () => {
  for (const version of supportedManagerVersions) {
    test(`${version}: every table has some, and none is left out`, () => {
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

describe("tables that were made for another version", () => {
  const made = (version: string) =>
    columnsIn(managerSchema(version).sql).map((column) => ({ ...column, needed: column.name === "bookie" }));
  const wanted = (version: string) => columnsIn(managerSchema(version).sql);

  test("are told by the column they lack", () => {
    assert.deepEqual(columnFaults(wanted("v0.4.0"), made("v0.2.0")), ["environments has no column bookie"]);
  });

  test("are told by the column that the manager would leave empty", () => {
    const found = made("v0.4.0");
    const only = wanted("v0.2.0").filter(({ table }) => found.some((column) => column.table === table));
    assert.deepEqual(columnFaults(only, found), ["environments has a column bookie that requires a value"]);
  });

  test("are not those of the version itself, nor those with a column that may be empty", () => {
    const own = { table: "users", name: "nickname", needed: false };
    assert.deepEqual(columnFaults(wanted("v0.4.0"), [...made("v0.4.0"), own]), []);
  });
});
