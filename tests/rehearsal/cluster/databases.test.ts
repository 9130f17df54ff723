import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkDatabases } from "../../../rehearsal/cluster/databases.ts";

const before = ["database postgres", "role postgres"];
const deployed = [...before, "database pulsar_manager", "role pulsar_manager"];

describe("checkDatabases", () => {
  it("finds nothing wrong with data that stays, unless the stack says to delete it", () => {
    assert.deepEqual(checkDatabases({ before, deployed, after: deployed }, false), {
      leftovers: [],
      foreignChanges: [],
    });
    assert.deepEqual(checkDatabases({ before, deployed, after: deployed }, true), {
      leftovers: ["database pulsar_manager", "role pulsar_manager"],
      foreignChanges: [],
    });
  });

  it("finds nothing wrong with data that goes only where the stack says to delete it", () => {
    assert.deepEqual(checkDatabases({ before, deployed, after: before }, true), { leftovers: [], foreignChanges: [] });
    assert.deepEqual(checkDatabases({ before, deployed, after: before }, false), {
      leftovers: [],
      foreignChanges: ["database pulsar_manager", "role pulsar_manager"],
    });
  });

  it("tells what was somebody else's in any case", () => {
    const { foreignChanges } = checkDatabases({ before, deployed, after: ["database postgres"] }, true);
    assert.deepEqual(foreignChanges, ["role postgres"]);
  });
});
