import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { markedProcesses } from "../../../rehearsal/engine/janitor.ts";
import { freePorts } from "../../../rehearsal/cluster/ports.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { openWorkspace } from "../../../rehearsal/engine/workspace.ts";

/** The prefix of folders that a child leaves in its temporary folder, as the Kubernetes plugin does with kubeconfig files. */
const leftover = `workspace-test-${process.pid}-`;

/** A child that ignores SIGINT and runs until it is killed. */
const stubborn = [
  "-e",
  `fs.mkdtempSync(path.join(os.tmpdir(), "${leftover}"));
  process.on("SIGINT", () => 0); setInterval(() => 0, 1000); console.log("up");`,
];

/** A program that opens a workspace with a child in it, prints its directory, and waits. */
const owner = `
  import { spawn } from "node:child_process";
  import { once } from "node:events";
  import { openWorkspace } from ${JSON.stringify(join(import.meta.dirname, "../../../rehearsal/engine/workspace.ts"))};
  const workspace = await openWorkspace();
  const child = spawn(process.execPath, ${JSON.stringify(stubborn)}, { env: workspace.env, detached: true });
  await once(child.stdout, "data");
  workspace.signal.addEventListener("abort", async () => {
    console.log(workspace.signal.reason.message);
    if (process.argv.includes("--deaf")) return;
    await workspace.close();
    process.exit(workspace.signal.reason.exitCode);
  });
  console.log(workspace.dir);
`;

async function startOwner(
  ...args: string[]
): Promise<{ program: ChildProcess; dir: string; line: () => Promise<string> }> {
  const program = spawn(process.execPath, ["--input-type=module-typescript", "--eval", owner, "--", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  assert.ok(program.stdout);
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => String((await lines.next()).value);
  const dir = await line();
  assert.ok(existsSync(dir));
  assert.equal(markedProcesses(dir).length, 1);
  return { program, dir, line };
}

async function isGone(dir: string): Promise<void> {
  await waitFor(async () => (!existsSync(dir) && markedProcesses(dir).length === 0) || undefined, {
    what: "the janitor's work",
    limit: 10_000,
    every: 20,
  });
}

async function leftBehind(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith(leftover));
}

describe("openWorkspace", { concurrency: true }, () => {
  after(async () => {
    assert.deepEqual(await leftBehind(), []);
  });

  it("leaves no process and no file behind after close", async () => {
    const workspace = await openWorkspace();
    await writeFile(join(await workspace.folder("some"), "file"), "");
    const child = spawn(process.execPath, stubborn, { env: workspace.env, detached: true });
    await once(child.stdout, "data");
    assert.deepEqual(markedProcesses(workspace.dir), [child.pid]);
    assert.equal((await readdir(join(workspace.dir, "tmp"))).length, 1);
    const exited = once(child, "exit");
    await workspace.close();
    await exited;
    assert.deepEqual(markedProcesses(workspace.dir), []);
    assert.equal(existsSync(workspace.dir), false);
    assert.deepEqual(await leftBehind(), []);
    assert.equal(workspace.signal.aborted, false);
  });

  it("leaves nothing behind after its owner is killed", async () => {
    const { program, dir } = await startOwner();
    program.kill("SIGKILL");
    await isGone(dir);
  });

  for (const [name, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    it(`notifies its owner of ${name} and is then closed by it`, async () => {
      const { program, dir, line } = await startOwner();
      const exited = once(program, "exit");
      program.kill(name);
      assert.equal(await line(), `interrupted by ${name}`);
      assert.deepEqual(await exited, [status, null]);
      assert.equal(existsSync(dir), false);
      assert.deepEqual(markedProcesses(dir), []);
    });
  }

  it("cleans up without its owner after a second Ctrl-C", async () => {
    const { program, dir, line } = await startOwner("--deaf");
    const exited = once(program, "exit");
    program.kill("SIGINT");
    assert.equal(await line(), "interrupted by SIGINT");
    program.kill("SIGINT");
    assert.deepEqual(await exited, [130, null]);
    await isGone(dir);
  });
});

describe("freePorts", () => {
  it("returns different ports that are free", async () => {
    const ports = await freePorts(5);
    assert.equal(new Set(ports).size, 5);
    for (const port of ports) {
      const server = createServer().listen(port, "127.0.0.1");
      await once(server, "listening");
      server.close();
    }
  });

  it("reserves them against calls in other processes", async () => {
    const [port = 0] = await freePorts(1);
    const other = createSocket("udp4").bind({ port, address: "127.0.0.1", exclusive: true });
    await assert.rejects(once(other, "listening"), { code: "EADDRINUSE" });
    other.close();
  });
});
