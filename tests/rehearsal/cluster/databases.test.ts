import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeDatabases } from "../../../rehearsal/cluster/databases.ts";

const before = ["database postgres", "role postgres"];
const deployed = [...before, "database pulsar_manager", "role pulsar_manager"];

describe("judgeDatabases", () => {
  it("finds nothing wrong with data that stays, unless the stack says to delete it", () => {
    assert.deepEqual(judgeDatabases({ before, deployed, after: deployed }, false), { leftovers: [], trespasses: [] });
    assert.deepEqual(judgeDatabases({ before, deployed, after: deployed }, true), {
      leftovers: ["database pulsar_manager", "role pulsar_manager"],
      trespasses: [],
    });
  });

  it("finds nothing wrong with data that goes only where the stack says to delete it", () => {
    assert.deepEqual(judgeDatabases({ before, deployed, after: before }, true), { leftovers: [], trespasses: [] });
    assert.deepEqual(judgeDatabases({ before, deployed, after: before }, false), {
      leftovers: [],
      trespasses: ["database pulsar_manager", "role pulsar_manager"],
    });
  });

  it("tells what was somebody else's in any case", () => {
    const { trespasses } = judgeDatabases({ before, deployed, after: ["database postgres"] }, true);
    assert.deepEqual(trespasses, ["role postgres"]);
  });
});
