import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkDatabases } from "../../../rehearsal/cluster/databases.ts";

const before = ["database postgres", "role postgres"];
const deployed = [...before, "database pulsar_manager", "role pulsar_manager"];

describe("checkDatabases", () => {
  it("reports nothing if the data remains, unless the stack deletes it", () => {
    assert.deepEqual(checkDatabases({ before, deployed, after: deployed }, false), {
      leftovers: [],
      foreignChanges: [],
    });
    assert.deepEqual(checkDatabases({ before, deployed, after: deployed }, true), {
      leftovers: ["database pulsar_manager", "role pulsar_manager"],
      foreignChanges: [],
    });
  });

  it("reports nothing if the data is dropped, provided that the stack deletes it", () => {
    assert.deepEqual(checkDatabases({ before, deployed, after: before }, true), { leftovers: [], foreignChanges: [] });
    assert.deepEqual(checkDatabases({ before, deployed, after: before }, false), {
      leftovers: [],
      foreignChanges: ["database pulsar_manager", "role pulsar_manager"],
    });
  });

  it("always reports dropped databases and roles of others", () => {
    const { foreignChanges } = checkDatabases({ before, deployed, after: ["database postgres"] }, true);
    assert.deepEqual(foreignChanges, ["role postgres"]);
  });
});
