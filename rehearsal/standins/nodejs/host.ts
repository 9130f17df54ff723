/** A stand-in for pulumi-language-nodejs, which a Pulumi engine that is built from its Go module does not include. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type {
  LanguageHandshakeRequest,
  RunPluginRequest,
  RunPluginResponse,
  RunRequest,
} from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import { engineAt, whenEngineIsGone } from "../protocol/engine.ts";
import { type Listening, listen, listenForEngines, unary } from "../protocol/server.ts";
import { type Plugin, pluginCommand, type Run, programCommand } from "./program.ts";

/** The exit status of the SDK's runner after an error that it has reported. */
const alreadyReported = 32;

/** Serves the language runtime to the engine that started this process, which shows the output of this process. */
export async function serveLanguage(): Promise<void> {
  const engine = process.argv.at(-1) ?? "";
  const { service, stopPrograms } = languageRuntime(engine);
  const { port } = await listen(languageGrpc.LanguageRuntimeService, service);
  whenEngineIsGone(engine, () => {
    stopPrograms();
    process.exit(1);
  });
  console.log(port);
}

/** Serves the language runtime to every engine that attaches to it (PULUMI_DEBUG_LANGUAGES). */
export function serveAttachedLanguage(): Promise<Listening> {
  return listenForEngines(
    languageGrpc.LanguageRuntimeService,
    (detached) => languageRuntime(undefined, detached).service,
  );
}

/**
 * @param startedBy - the engine that shows the output of this process; another one gets the output of its programs as messages
 * @param detached - called when an engine that has attached has ended
 */
function languageRuntime(startedBy?: string, detached: () => void = () => undefined) {
  const programs = new Set<ChildProcess>();
  const stopPrograms = (): void => {
    for (const program of programs) program.kill();
  };
  let engine = startedBy ?? "";

  const service: UntypedServiceImplementation = {
    handshake: unary(async (request: LanguageHandshakeRequest) => {
      if (startedBy === undefined) {
        engine = request.getEngineAddress();
        whenEngineIsGone(engine, () => {
          stopPrograms();
          detached();
        });
      }
      return new language.LanguageHandshakeResponse();
    }),

    getPluginInfo: unary(async () => {
      const response = new plugin.PluginInfo();
      response.setVersion("0.0.0-standin");
      return response;
    }),

    // The engine finds each plugin when a resource needs it. A list would only make it download them.
    getRequiredPackages: unary(async () => new language.GetRequiredPackagesResponse()),

    run: unary(async (request: RunRequest) => {
      const response = new language.RunResponse();
      const { args, env } = programCommand(runOf(request, engine));
      const output = startedBy === undefined ? "pipe" : "inherit";
      const program = spawn(process.execPath, args, {
        cwd: request.getPwd(),
        env: { ...process.env, ...env },
        stdio: ["ignore", output, output],
      });
      programs.add(program);
      const log = engineAt(engine).logFor("");
      for (const stream of [program.stdout, program.stderr].filter((stream) => stream !== null)) {
        createInterface(stream).on("line", (line) => {
          log.info(line);
        });
      }
      const [code, signal] = (await once(program, "close")) as [number | null, NodeJS.Signals | null];
      programs.delete(program);
      await log.flushed();
      if (code === alreadyReported) response.setBail(true);
      else if (code !== 0) response.setError(`Program exited with non-zero exit code: ${code ?? signal ?? "none"}`);
      return response;
    }),

    // A policy pack. The engine reads its port from its output, and ends the call to stop it.
    runPlugin: (call: ServerWritableStream<RunPluginRequest, RunPluginResponse>) => {
      const { request } = call;
      const pack = spawn(process.execPath, pluginCommand(pluginOf(request)), {
        cwd: request.getPwd(),
        env: { ...process.env, ...Object.fromEntries(request.getEnvList().map(variable)) },
        stdio: ["ignore", "pipe", "pipe"],
      });
      programs.add(pack);
      pack.stdout.on("data", (data: Buffer) => call.write(new language.RunPluginResponse().setStdout(data)));
      pack.stderr.on("data", (data: Buffer) => call.write(new language.RunPluginResponse().setStderr(data)));
      pack.once("close", (code) => {
        programs.delete(pack);
        call.write(new language.RunPluginResponse().setExitcode(code ?? 1));
        call.end();
      });
      call.on("cancelled", () => pack.kill());
    },

    cancel: unary(async () => {
      stopPrograms();
      return new empty.Empty();
    }),
  };
  return { service, stopPrograms };
}

function runOf(request: RunRequest, engine: string): Run {
  const info = request.getInfo();
  return {
    engine,
    monitor: request.getMonitorAddress(),
    organization: request.getOrganization(),
    project: request.getProject(),
    stack: request.getStack(),
    parallel: request.getParallel(),
    dryRun: request.getDryrun(),
    rootDirectory: info?.getRootDirectory() ?? "",
    programDirectory: info?.getProgramDirectory() ?? request.getPwd(),
    pwd: request.getPwd(),
    entryPoint: info?.getEntryPoint() ?? request.getProgram(),
    args: request.getArgsList(),
    config: Object.fromEntries(request.getConfigMap().toArray()),
    secretConfigKeys: request.getConfigsecretkeysList(),
    options: info?.getOptions()?.toJavaScript() ?? {},
  };
}

function pluginOf(request: RunPluginRequest): Plugin {
  const info = request.getInfo();
  return {
    kind: request.getKind(),
    programDirectory: info?.getProgramDirectory() ?? request.getProgram(),
    args: request.getArgsList(),
    options: info?.getOptions()?.toJavaScript() ?? {},
  };
}

/** `NAME=value` as name and value. */
function variable(text: string): [name: string, value: string] {
  const end = text.indexOf("=");
  return [text.slice(0, end), text.slice(end + 1)];
}
