import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { Stack } from "../../../rehearsal/engine/stack.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";

const root = resolve(import.meta.dirname, "../../..");

/** Two resources, created one after the other. `wait` is the duration of the second create in milliseconds. */
const program = `
import * as pulumi from "@pulumi/pulumi";
const { wait, token } = new pulumi.Config().requireObject("second");
const provider = {
  async create(inputs) {
    const { setTimeout } = await import("node:timers/promises");
    await setTimeout(inputs.wait);
    return { id: "made", outs: {} };
  },
  async diff() { return { changes: false }; },
};
class Thing extends pulumi.dynamic.Resource {}
const first = new Thing(provider, "first", { wait: 0 });
const second = new Thing(provider, "second", { wait }, { dependsOn: first });
export const secret = pulumi.secret(token);
`;

describe("the engine on a small program", () => {
  let dir: string;
  let stack: Stack;

  before(async () => {
    const { tools } = await prepareTools({ log: console.log, signal: new AbortController().signal });
    dir = await mkdtemp(join(tmpdir(), "engine-live-"));
    const projectDir = join(dir, "project");
    const workDir = join(dir, "work");
    await Promise.all([mkdir(projectDir), mkdir(workDir)]);
    const runtime = "runtime: { name: nodejs, options: { typescript: false } }";
    await writeFile(join(projectDir, "Pulumi.yaml"), `name: small\nmain: index.js\n${runtime}\n`);
    await writeFile(join(projectDir, "Pulumi.test.yaml"), "config:\n  small:second: { wait: 60000 }\n");
    await writeFile(join(projectDir, "package.json"), '{ "type": "module" }');
    await writeFile(join(projectDir, "index.js"), program);
    await symlink(join(root, "node_modules"), join(projectDir, "node_modules"));
    const path = [join(root, "rehearsal/standins/bin"), join(root, "node_modules/.bin")];
    const secret = { "small:second.token": "hush\nhush" };
    stack = await Stack.create({ pulumi: tools.pulumi, projectDir, workDir, path }, "test", { secret });
  });

  after(async () => {
    stack.kill();
    await rm(dir, { recursive: true, force: true });
  });

  test("completes an up that was killed", async () => {
    const killed = await stack.up({
      onLine: (line) => {
        if (/ second creating/.test(line)) stack.kill();
      },
    });
    assert.deepEqual([killed.ok, killed.exitCode], [false, undefined]);
    assert.equal(killed.diagnostics.length, 0);

    await stack.configure({ plain: { "small:second.wait": "0" } });
    const locked = await stack.up();
    assert.match(locked.diagnostics[0]?.message ?? "", /currently locked/);
    await stack.cancel();
    const completed = await stack.up();
    assert.deepEqual([completed.ok, completed.changes], [true, { same: 2, create: 1 }]);
    const refreshed = await stack.refresh({ clearPendingCreates: true, expectNoChanges: true });
    assert.deepEqual([refreshed.ok, refreshed.changes, refreshed.diagnostics], [true, { same: 3 }, []]);
  });

  test("changes nothing in a second up, and keeps the secret secret", async () => {
    const up = await stack.up({ expectNoChanges: true });
    assert.deepEqual([up.ok, up.changes, up.diagnostics], [true, { same: 3 }, []]);
    assert.deepEqual(await stack.outputs(), { secret: "[secret]" });
    assert.deepEqual(await stack.outputs({ showSecrets: true }), { secret: "hush\nhush" });
    assert.ok(!JSON.stringify(await stack.exportState()).includes("hush"));
  });

  test("previews destroyed resources as creations", async () => {
    assert.deepEqual((await stack.destroy()).changes, { delete: 3 });
    const preview = await stack.preview({ expectNoChanges: true });
    assert.deepEqual([preview.ok, preview.changes], [false, { create: 3 }]);
    assert.match(preview.diagnostics.at(-1)?.message ?? "", /no changes were expected/);
    assert.deepEqual(await readdir(join(dir, "project")), [
      "Pulumi.test.yaml",
      "Pulumi.yaml",
      "index.js",
      "node_modules",
      "package.json",
    ]);
  });
});
