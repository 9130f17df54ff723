import assert from "node:assert/strict";
import { test } from "node:test";
import { standInChart, withRehearsal } from "../../rehearsal/stage.ts";

test("a chart of another version is refused before anything is set up", async () => {
  const chart = standInChart("4.7.0");
  const rehearsal = withRehearsal({ chart, config: { plain: { "pulsar:chart.version": "2.7.7" } } }, () =>
    Promise.reject(new Error("set up")),
  );
  await assert.rejects(rehearsal, {
    name: "RehearsalError",
    message: new RegExp(
      `^1 fault .*\\n.*found ${chart}, a chart of version 4\\.7\\.0; allowed: a chart of version 2\\.7\\.7 `,
    ),
  });
});
