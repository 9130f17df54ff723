import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { clientVersion } from "../../../rehearsal/realCluster/messages/client.ts";

test("every command that installs the Node client names its version", async () => {
  for (const file of [".github/workflows/e2e.yml", "docs/rehearsal.md", "CONTRIBUTING.md"]) {
    const text = await readFile(new URL(`../../../${file}`, import.meta.url), "utf8");
    const versions = [...text.matchAll(/npm install --no-save pulsar-client@?([\w.-]*)/g)].map(
      ([, version]) => version,
    );
    assert.deepEqual(versions, [clientVersion], file);
  }
});
