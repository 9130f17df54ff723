/** The language host and the dynamic provider in a process that engines attach to. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import language, { type RunResponse } from "@pulumi/pulumi/proto/language_pb.js";
import plugins from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider, { type CheckResponse } from "@pulumi/pulumi/proto/provider_pb.js";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { listen, type Listening, unary } from "../../../rehearsal/standins/protocol/server.ts";

const host = join(import.meta.dirname, "../../../rehearsal/standins/host.ts");
const credentials = grpc.credentials.createInsecure();

/** Replaces the SDK's runner: prints the engine's address, and fails. */
const runner = `
  console.log("started by", process.argv[process.argv.indexOf("--engine") + 1]);
  console.error("it fails");
  process.exitCode = 3;
`;

describe("engines that attach to one process", () => {
  const child = spawn(process.execPath, [host, "nodejs"], { stdio: ["ignore", "pipe", "inherit"] });
  const logged: string[] = [];
  let engine: Listening;
  let ports: Record<string, string>;
  let directory: string;

  before(async () => {
    engine = await listen(engineGrpc.EngineService, {
      log: unary(async (request: LogRequest) => {
        logged.push(request.getMessage());
        return new empty.Empty();
      }),
    });
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const variables = Object.values(JSON.parse(line) as Record<string, string>);
    ports = Object.fromEntries(variables.map((variable) => variable.split(":") as [string, string]));
    directory = await mkdtemp(join(tmpdir(), "attached-"));
    await mkdir(join(directory, "node_modules/@pulumi/pulumi/cmd/run"), { recursive: true });
    await writeFile(join(directory, "node_modules/@pulumi/pulumi/cmd/run/index.js"), runner);
  });

  after(async () => {
    child.kill("SIGKILL");
    engine.close();
    await rm(directory, { recursive: true });
  });

  test("get the output of their program as messages, and how it ended", async () => {
    const client = new languageGrpc.LanguageRuntimeClient(`127.0.0.1:${ports["nodejs"] ?? ""}`, credentials);
    const address = `127.0.0.1:${engine.port}`;
    const handshake = new language.LanguageHandshakeRequest().setEngineAddress(address);
    await new Promise<unknown>((resolve, reject) => client.handshake(handshake, settle(resolve, reject)));
    const info = new language.ProgramInfo().setProgramDirectory(directory).setEntryPoint("index.ts");
    const request = new language.RunRequest().setInfo(info).setPwd(directory);
    const response = await new Promise<RunResponse>((resolve, reject) => client.run(request, settle(resolve, reject)));
    assert.equal(response.getError(), "Program exited with non-zero exit code: 3");
    assert.deepEqual(logged.sort(), ["it fails", `started by ${address}`]);
    client.close();
  });

  test("use the SDK's dynamic provider, and get what it prints as messages", async () => {
    logged.length = 0;
    const client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${ports["pulumi-nodejs"] ?? ""}`, credentials);
    const attach = new plugins.PluginAttach().setAddress(`127.0.0.1:${engine.port}`);
    await new Promise<unknown>((resolve, reject) => client.attach(attach, settle(resolve, reject)));
    const check = (serialized: string) =>
      new Promise<CheckResponse>((resolve, reject) => {
        const props = structs.Struct.fromJavaScript({ __provider: serialized, size: 1 });
        client.check(new provider.CheckRequest().setOlds(props).setNews(props), settle(resolve, reject));
      });
    const checked = await check(
      "exports.handler = () => ({ check: (olds, news) => ({ inputs: { size: news.size + 1 } }) })",
    );
    assert.partialDeepStrictEqual(checked.getInputs()?.toJavaScript(), { size: 2 });
    await assert.rejects(check("exports.handler = () => ({ check() { throw new Error('too small') } })"), /too small/);
    const message = await waitFor(async () => logged[0], { what: "the message", limit: 10_000, every: 10 });
    assert.match(message, /Error: too small/);
    client.close();
  });
});

/** A callback that settles a promise. */
function settle<T>(resolve: (response: T) => void, reject: (error: Error) => void) {
  return (error: Error | null, response: T): void => {
    if (error) reject(error);
    else resolve(response);
  };
}
