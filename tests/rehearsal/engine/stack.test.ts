import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import {
  changesIn,
  diagnosticsIn,
  EngineError,
  parseEvents,
  Stack,
  type StackConfig,
} from "../../../rehearsal/engine/stack.ts";
import { membersOf } from "../../../rehearsal/tools/processes.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";

const urn = "urn:pulumi:test::pulsar::kubernetes:core/v1:Namespace::pulsar";
const diagnostic = (severity: string, message: string, rest: object = {}): string =>
  JSON.stringify({ diagnosticEvent: { severity, message, color: "raw", ...rest } });
const step = (op: string, planning = false): string =>
  JSON.stringify({ resOutputsEvent: { metadata: { op, urn }, planning } });

describe("event logs", () => {
  test("uses the summary; of two, that of the update", () => {
    const log = [
      '{"summaryEvent":{"resourceChanges":{"create":9}}}',
      step("create"),
      '{"summaryEvent":{"resourceChanges":{"same":4}}}',
    ];
    assert.deepEqual(changesIn(parseEvents(log.join("\n"))), { same: 4 });
  });

  test("counts the completed steps of an incomplete log", () => {
    const log = [step("create", true), step("create"), step("create"), step("same"), '{"summaryEv'];
    assert.deepEqual(changesIn(parseEvents(log.join("\n"))), { create: 2, same: 1 });
    assert.deepEqual(changesIn(parseEvents("")), {});
  });

  test("removes colors, status lines, debug messages and the warnings about plugins on PATH from diagnostics", () => {
    const log = [
      diagnostic("debug", "Registering resource"),
      diagnostic("info", "waiting for rollout", { ephemeral: true }),
      diagnostic("warning", "using pulumi-resource-tls from $PATH at /bin/pulumi-resource-tls\n"),
      diagnostic("warning", "<{%fg 3%}>tight<{%reset%}>\n", { urn }),
      diagnostic("error", "no room on node2"),
    ];
    assert.deepEqual(diagnosticsIn(parseEvents(log.join("\n")), "error: update failed"), [
      { severity: "warning", urn, message: "tight" },
      { severity: "error", message: "no room on node2" },
    ]);
  });

  test("uses the CLI's own error if no event has one", () => {
    assert.deepEqual(diagnosticsIn([], "Updating (test):\nerror: the stack is currently locked"), [
      { severity: "error", message: "the stack is currently locked" },
    ]);
  });
});

/** The output of `pulumi config --json`. */
const read = {
  "pulsar:layout": { value: "mixed", secret: false },
  "pulsar:nodes": { value: '[{"name":"node1"}]', objectValue: [{ name: "node1" }], secret: false },
  "pulsar:managerPassword": { secret: true },
};

/** A project, and a script that replaces the CLI and records its calls. */
async function project(
  context: TestContext,
  up = "exit 0",
  config = "cat config.json",
): Promise<{ dir: string; read: (name: string) => Promise<string> }> {
  const dir = await mkdtemp(join(tmpdir(), "engine-test-"));
  context.after(() => rm(dir, { recursive: true, force: true }));
  for (const folder of ["project", "work"]) await mkdir(join(dir, folder));
  await writeFile(join(dir, "project/Pulumi.yaml"), "name: pulsar\nruntime: nodejs\n");
  await writeFile(join(dir, "project/Pulumi.test.yaml"), "config:\n  pulsar:layout: mixed\n");
  await writeFile(join(dir, "config.json"), JSON.stringify(read));
  const script = `#!/bin/sh
cd ${dir}
echo "$*" >> calls
env > env
case "$1 $2" in
  "stack init") [ "$PULUMI_CONFIG_PASSPHRASE" ] || exit 1 ;;
  "config set") cat >> stdin ;;
  "config --json") ${config} ;;
  "cancel --yes") echo "error: no such lock" >&2; exit 1 ;;
  up*) ${up} ;;
esac
`;
  await writeFile(join(dir, "pulumi"), script);
  await chmod(join(dir, "pulumi"), 0o755);
  return { dir, read: (name) => readFile(join(dir, name), "utf8") };
}

async function gone(session: number): Promise<void> {
  await waitFor(async () => (membersOf(session).length === 0 ? true : undefined), {
    what: "the end",
    limit: 5000,
    every: 5,
  });
}

function open(dir: string, config?: StackConfig, signal?: AbortSignal): Promise<Stack> {
  const options = {
    pulumi: join(dir, "pulumi"),
    projectDir: join(dir, "project"),
    workDir: join(dir, "work"),
    path: ["/plugins", "/tools"],
    env: { KUBECONFIG: "/kubeconfig" },
    ...(signal ? { signal } : {}),
  };
  return Stack.create(options, "test", config);
}

describe("the CLI", () => {
  test("gets secrets on standard input, its state in the work folder, and no Pulumi settings of the user", async (context) => {
    const { dir, read } = await project(context);
    process.env["PULUMI_ACCESS_TOKEN"] = "the user's";
    context.after(() => Reflect.deleteProperty(process.env, "PULUMI_ACCESS_TOKEN"));
    const stack = await open(dir, {
      plain: { "pulsar:database.port": "5433" },
      secret: { "pulsar:database.password": "hush\n" },
    });
    await stack.up();

    assert.equal(await read("stdin"), "hush\n");
    const [calls, env] = [await read("calls"), await read("env")];
    assert.ok(!calls.includes("hush") && !env.includes("hush"));
    assert.match(calls, /^config set-all --path --plaintext pulsar:database\.port=5433 /m);
    assert.match(calls, /^up .*--config-file \S+work\/Pulumi\.test\.yaml .*--stack test --non-interactive/m);
    assert.match(env, new RegExp(`^PULUMI_BACKEND_URL=file://${dir}/work/state\\?metadata=skip$`, "m"));
    assert.match(env, /^PATH=\/plugins:\/tools:/m);
    assert.match(env, /^KUBECONFIG=\/kubeconfig$/m);
    assert.ok(!env.includes("PULUMI_ACCESS_TOKEN"));
    assert.equal(await read("project/Pulumi.test.yaml"), "config:\n  pulsar:layout: mixed\n");
    assert.equal(
      await read("work/Pulumi.test.yaml"),
      'config: {"pulsar:layout":"mixed","pulsar:nodes":[{"name":"node1"}]}\n',
    );
  });

  test("reads the stack file, and reports an error in it in one line with its name", async (context) => {
    const { dir, read } = await project(context);
    const { initialConfig } = await open(dir);
    assert.deepEqual(initialConfig, {
      plain: { "pulsar:layout": "mixed", "pulsar:nodes": [{ name: "node1" }] },
      encrypted: ["pulsar:managerPassword"],
    });
    assert.match(await read("calls"), /^config --json --config-file \S+project\/Pulumi\.test\.yaml /m);

    const fault = ["warning: no value", "error: yaml: unmarshal errors:", '  line 3: mapping key "a" already defined'];
    const faulty = await project(context, "exit 0", `printf '%s\\n' '${fault.join("' '")}' >&2; exit 255`);
    await assert.rejects(
      open(faulty.dir),
      new EngineError('Pulumi.test.yaml: yaml: unmarshal errors: line 3: mapping key "a" already defined'),
    );
  });

  test("returns an outcome for a failed operation, and throws for any other failed command", async (context) => {
    const { dir } = await project(context, 'echo "error: no changes were expected" >&2; exit 7');
    const stack = await open(dir);
    const lines: string[] = [];
    const { ok, exitCode, diagnostics } = await stack.up({ expectNoChanges: true, onLine: (line) => lines.push(line) });
    assert.deepEqual({ ok, exitCode }, { ok: false, exitCode: 7 });
    assert.deepEqual(diagnostics, [{ severity: "error", message: "no changes were expected" }]);
    assert.deepEqual(lines, ["error: no changes were expected"]);
    await assert.rejects(stack.cancel(), new EngineError("pulumi cancel --yes failed: error: no such lock"));
  });

  const untilEnded = "sleep 60 & trap 'echo stopping; exit 255' INT; echo $$; wait";

  test("leaves no plugin behind when it is killed", async (context) => {
    const { dir } = await project(context, untilEnded);
    const stack = await open(dir);
    let session = 0;
    let members: number[] = [];
    const outcome = await stack.up({
      onLine: (line) => {
        session = Number(line);
        members = membersOf(session);
        stack.kill();
      },
    });
    assert.equal(members.length, 2);
    assert.equal(outcome.ok, false);
    assert.equal(outcome.exitCode, undefined);
    await gone(session);
  });

  test("stops as after Ctrl-C when it is interrupted, and the operation rejects with the signal's reason", async (context) => {
    const { dir } = await project(context, untilEnded);
    const controller = new AbortController();
    const stack = await open(dir, {}, controller.signal);
    const lines: string[] = [];
    const up = stack.up({
      onLine: (line) => {
        lines.push(line);
        controller.abort(new Error("interrupted"));
      },
    });
    await assert.rejects(up, /^Error: interrupted$/);
    assert.equal(lines[1], "stopping");
    await gone(Number(lines[0]));
    await assert.rejects(stack.up(), /^Error: interrupted$/);
  });
});
