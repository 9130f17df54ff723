import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type { RunResponse } from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import { shellWords } from "../../../rehearsal/standins/nodejs/shellWords.ts";

const host = join(import.meta.dirname, "../../../rehearsal/standins/bin/pulumi-language-nodejs");

describe("shell words", () => {
  const lines: [string, string[]][] = [
    ["", []],
    ["--import  tsx", ["--import", "tsx"]],
    [`--title 'a "b" c' x`, ["--title", 'a "b" c', "x"]],
    [`--title="a \\"b\\" \\n" ''`, [`--title=a "b" \\n`, ""]],
    [`a\\ b 'it'"'"'s'`, ["a b", "it's"]],
  ];
  for (const [line, words] of lines) {
    test(JSON.stringify(line), () => {
      assert.deepEqual(shellWords(line), words);
    });
  }

  test("an unclosed quote", () => {
    assert.throws(() => shellWords("--title 'a b"), /' is not closed in: --title 'a b/);
    assert.throws(() => shellWords('a "b'), /" is not closed/);
  });
});

/** Replaces the SDK's runner: prints how it was started, and exits with the status in its first argument. */
const runner = `
  const { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS, PULUMI_NODEJS_TYPESCRIPT } = process.env;
  const env = { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS, PULUMI_NODEJS_TYPESCRIPT };
  console.log(JSON.stringify({ execArgv: process.execArgv, argv: process.argv.slice(2), cwd: process.cwd(), env }));
  console.error("on stderr");
  if (process.argv.at(-1) === "wait") setInterval(() => undefined, 1000);
  else process.exitCode = Number(process.argv.at(-1));
`;

describe("the nodejs language host", () => {
  let directory: string;
  let engine: Server;
  let plugin: ChildProcess;
  let client: InstanceType<typeof languageGrpc.LanguageRuntimeClient>;
  const lines: string[] = [];

  before(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), "language-host-")));
    const sdk = join(directory, "node_modules/@pulumi/pulumi/cmd/run");
    await mkdir(sdk, { recursive: true });
    await mkdir(join(directory, "program"));
    await writeFile(join(sdk, "index.js"), runner);

    engine = createServer().listen(0, "127.0.0.1");
    await once(engine, "listening");
    const address = engine.address();
    assert.ok(address !== null && typeof address === "object");
    plugin = spawn(process.execPath, [host, "-v=9", `127.0.0.1:${address.port}`], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    assert.ok(plugin.stdout && plugin.stderr);
    const output = createInterface(plugin.stdout);
    const [port] = (await once(output, "line")) as [string];
    output.on("line", (line) => lines.push(line));
    createInterface(plugin.stderr).on("line", (line) => lines.push(line));
    client = new languageGrpc.LanguageRuntimeClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  });

  after(async () => {
    client.close();
    plugin.kill("SIGKILL");
    engine.close();
    await rm(directory, { recursive: true });
  });

  async function run(exit: string, options: Record<string, string | boolean> = {}): Promise<RunResponse> {
    lines.length = 0;
    const info = new language.ProgramInfo();
    info.setRootDirectory(directory);
    info.setProgramDirectory(join(directory, "program"));
    info.setEntryPoint("index.ts");
    info.setOptions(structs.Struct.fromJavaScript(options));
    const request = new language.RunRequest();
    request.setInfo(info);
    request.setPwd(join(directory, "program"));
    request.setProject("pulsar");
    request.setStack("test");
    request.setMonitorAddress("127.0.0.1:1");
    request.setParallel(4);
    request.setDryrun(true);
    request.setArgsList([exit]);
    request.getConfigMap().set("pulsar:nodes", "[1]");
    request.setConfigsecretkeysList(["pulsar:secret"]);
    return new Promise((resolve, reject) => {
      client.run(request, (error, response) => {
        if (error) reject(error);
        else resolve(response);
      });
    });
  }

  test("starts the program's own SDK with the flags, the config and the options in Pulumi.yaml", async () => {
    const response = await run("0", { typescript: false, nodeargs: "--no-deprecation --title 'a b'" });
    assert.deepEqual([response.getError(), response.getBail()], ["", false]);
    const started = JSON.parse(lines.find((line) => line.startsWith("{")) ?? "null") as {
      argv: string[];
      execArgv: string[];
      cwd: string;
      env: object;
    };
    assert.deepEqual(started.execArgv, ["--no-deprecation", "--title", "a b"]);
    assert.equal(started.cwd, join(directory, "program"));
    assert.deepEqual(started.env, {
      PULUMI_CONFIG: '{"pulsar:nodes":"[1]"}',
      PULUMI_CONFIG_SECRET_KEYS: '["pulsar:secret"]',
    });
    assert.deepEqual(started.argv.slice(-3), ["--dry-run", "index.ts", "0"]);
    for (const flag of [
      ["--project", "pulsar"],
      ["--monitor", "127.0.0.1:1"],
      ["--parallel", "4"],
    ]) {
      assert.equal(started.argv[started.argv.indexOf(flag[0] ?? "") + 1], flag[1]);
    }
    assert.ok(lines.includes("on stderr"));
  });

  test("returns how the program ended", async () => {
    const failed = await run("3");
    assert.deepEqual([failed.getError(), failed.getBail()], ["Program exited with non-zero exit code: 3", false]);
    const reported = await run("32");
    assert.deepEqual([reported.getError(), reported.getBail()], ["", true]);
  });

  test("runs TypeScript with ts-node by default", async () => {
    await run("0");
    assert.match(lines.join("\n"), /"PULUMI_NODEJS_TYPESCRIPT":"true"/);
  });

  test("refuses invalid options", async () => {
    await assert.rejects(run("0", { nodeargs: "--title 'a" }), /' is not closed in: --title 'a/);
  });

  test("ends with its program soon after the engine has ended", { timeout: 15_000 }, async () => {
    const running = run("wait").catch((error: unknown) => error);
    while (!lines.some((line) => line.includes("wait"))) await new Promise((resolve) => setTimeout(resolve, 20));
    engine.close();
    // stdout is shared, so it closes when the program has ended as well.
    await once(plugin, "close");
    assert.equal(plugin.exitCode, 1);
    assert.match(String(await running), /UNAVAILABLE|CANCELLED|Connection dropped/);
  });
});
