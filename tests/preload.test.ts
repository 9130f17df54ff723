import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

/** Loads preload.cjs in a Node that takes itself for another version. */
function loadUnder(version: string) {
  const pretend = `Object.defineProperty(process, "versions", { value: { node: "${version}" } }); require("./preload.cjs")`;
  const cwd = new URL("../", import.meta.url).pathname;
  const { status, stderr } = spawnSync(process.execPath, ["--eval", pretend], { cwd, encoding: "utf8" });
  return { status, stderr };
}

test("a Node that cannot run the program is refused in one line that says what is needed", () => {
  for (const version of ["18.20.4", "20.20.2", "22.17.1"]) {
    const { status, stderr } = loadUnder(version);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`^Node ${version} is too old for this program; use 22\\.18 or later: .*\n$`));
  }
});

test("a Node that can is let through in silence", () => {
  for (const version of ["22.18.0", "22.23.3", "24.9.0"])
    assert.deepEqual(loadUnder(version), { status: 0, stderr: "" });
});
