/**
 * The Pulumi provider protocol for the stand-in plugins. A stand-in implements its resources with plain values; this module serves it to the engine,
 * and handles secrets, unknown values, errors and the end of the plugin.
 */
import * as grpc from "@grpc/grpc-js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import type { PluginAttach } from "@pulumi/pulumi/proto/plugin_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type * as requests from "@pulumi/pulumi/proto/provider_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import statuses from "@pulumi/pulumi/proto/status_pb.js";
import { type Diagnostics, type Engine, engineAt, noEngine, whenEngineIsGone } from "./protocol/engine.ts";
import { type Listening, listen, listenForEngines, RpcError, unary } from "./protocol/server.ts";
import type { Opened, Props, Secrecy } from "./protocol/values.ts";
import { atPath, changedPaths, openProps, restrict, sealProps, secretKeys, union } from "./protocol/values.ts";

export type { Diagnostics } from "./protocol/engine.ts";
export { changedPaths, UNKNOWN } from "./protocol/values.ts";
export type { Props } from "./protocol/values.ts";

/** The context of an operation. */
export interface Call {
  urn: string;
  /** Type token, as `tls:index/privateKey:PrivateKey`. */
  type: string;
  /** The resource's logical name. */
  name: string;
  /** The resource's customTimeouts for this operation. 0: none. */
  timeoutSeconds: number;
  log: Diagnostics;
  /** Aborted when the engine cancels, as on Ctrl-C. */
  signal: AbortSignal;
}

export interface DiffResult {
  changes: boolean;
  /** Properties (names or paths) whose change needs a replacement. Empty: update in place. */
  replaces: string[];
  deleteBeforeReplace: boolean;
  /** Property paths that changed, for `--diff`. */
  changedKeys: string[];
}

/** The resources of one type. The engine shows only the message of an error that a method throws. */
export interface ResourceHandler {
  /** Validates and completes the inputs. Default: unchanged. `olds` are the inputs in the state, absent for a new resource. */
  check?(
    news: Props,
    olds: Props | undefined,
    call: Call,
  ): Promise<{ inputs: Props; failures?: { property: string; reason: string }[] }>;
  /** Default: every changed input is an update in place. */
  diff?(id: string, oldInputs: Props, oldOutputs: Props, news: Props, call: Call): Promise<DiffResult>;
  /** In a preview nothing may be created. `id` is then empty, and unknown outputs are UNKNOWN. */
  create(inputs: Props, preview: boolean, call: Call): Promise<{ id: string; outputs: Props }>;
  /** `undefined`: the resource does not exist. For an import, `inputs` and `outputs` are empty. */
  read(
    id: string,
    inputs: Props,
    outputs: Props,
    call: Call,
  ): Promise<{ id: string; inputs: Props; outputs: Props } | undefined>;
  update(
    id: string,
    oldInputs: Props,
    oldOutputs: Props,
    news: Props,
    preview: boolean,
    call: Call,
  ): Promise<{ outputs: Props }>;
  delete(id: string, inputs: Props, outputs: Props, call: Call): Promise<void>;
}

/** A stand-in for an official plugin. */
export interface StandIn {
  /** The package's name, as `tls`. */
  name: string;
  /** The version of the official plugin that it imitates. */
  version: string;
  /** Called once, before any resource. Values are strings; other values are JSON in a string. */
  configure(config: Props): Promise<void>;
  /** Provider settings whose change replaces the provider and all of its resources. Default: none. */
  diffConfig?(olds: Props, news: Props): { replaces: string[] };
  handler(type: string): ResourceHandler | undefined;
  /** Properties of a type that are always secret. */
  secretOutputs?(type: string): string[];
}

/** The resource exists, but the operation on it has failed. The state keeps it with the error, and the next run updates it. */
export class PartialError extends Error {
  readonly id: string;
  readonly outputs: Props;
  readonly inputs: Props;

  constructor(message: string, id: string, outputs: Props, inputs: Props) {
    super(message);
    this.id = id;
    this.outputs = outputs;
    this.inputs = inputs;
  }
}

/** Serves the stand-in to the engine that started this process, until the engine stops it or ends. */
export async function serve(standIn: StandIn): Promise<void> {
  const address = process.argv.at(-1) ?? "";
  const isAddress = /^[^/]+:\d+$/.test(address);
  const implementation = service(standIn, isAddress ? engineAt(address) : noEngine);
  const { port } = await listen(providerGrpc.ResourceProviderService, implementation);
  if (isAddress) whenEngineIsGone(address, () => process.exit(1));
  console.log(port);
}

/** Serves a stand-in to every engine that attaches to it (PULUMI_DEBUG_PROVIDERS). */
export function serveAttached(make: () => StandIn): Promise<Listening> {
  return listenForEngines(providerGrpc.ResourceProviderService, (detached) => service(make(), noEngine, detached));
}

/**
 * The protocol's methods for one stand-in. gRPC answers "not implemented" for the others.
 * @param detached - called when an engine that has attached has ended
 */
export function service(
  standIn: StandIn,
  startedBy: Engine = noEngine,
  detached: () => void = () => undefined,
): grpc.UntypedServiceImplementation {
  const cancelled = new AbortController();
  let engine = startedBy;

  interface Target {
    handler: ResourceHandler;
    call: Call;
    alwaysSecret: Secrecy;
  }

  /** Runs an operation on a resource. Resolves after its log messages have reached the engine. */
  async function on<T>(urn: string, timeoutSeconds: number, operation: (target: Target) => Promise<T>): Promise<T> {
    const { type, name } = parseUrn(urn);
    const handler = standIn.handler(type);
    if (!handler) throw new Error(`the ${standIn.name} stand-in has no resource type ${type}`);
    const log = engine.logFor(urn);
    const call = { urn, type, name, timeoutSeconds, log, signal: cancelled.signal };
    try {
      return await operation({ handler, call, alwaysSecret: secretKeys(standIn.secretOutputs?.(type) ?? []) });
    } catch (error) {
      if (error instanceof Error && error.stack) log.debug(error.stack);
      throw error;
    } finally {
      await log.flushed();
    }
  }

  return {
    handshake: unary(async () => {
      const response = new provider.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setAcceptResources(true);
      response.setAcceptOutputs(true);
      return response;
    }),

    attach: unary(async (request: PluginAttach) => {
      engine = engineAt(request.getAddress());
      whenEngineIsGone(request.getAddress(), () => {
        cancelled.abort(new Error("the engine has ended"));
        detached();
      });
      return new empty.Empty();
    }),

    getPluginInfo: unary(async () => {
      const response = new plugin.PluginInfo();
      response.setVersion(standIn.version);
      return response;
    }),

    getSchema: unary(async () => {
      const response = new provider.GetSchemaResponse();
      response.setSchema(JSON.stringify({ name: standIn.name, version: standIn.version }));
      return response;
    }),

    checkConfig: unary(async (request: requests.CheckRequest) => {
      const response = new provider.CheckResponse();
      response.setInputs(request.getNews());
      return response;
    }),

    diffConfig: unary(async (request: requests.DiffRequest) => {
      const olds = opened(request.hasOldInputs() ? request.getOldInputs() : request.getOlds()).value;
      const news = opened(request.getNews()).value;
      const changedKeys = changedPaths(olds, news);
      const replaces = standIn.diffConfig?.(olds, news).replaces ?? [];
      return diffResponse(olds, news, {
        changes: changedKeys.length > 0,
        replaces,
        deleteBeforeReplace: false,
        changedKeys,
      });
    }),

    configure: unary(async (request: requests.ConfigureRequest) => {
      await standIn.configure(opened(request.getArgs()).value);
      const response = new provider.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setAcceptresources(true);
      response.setAcceptoutputs(true);
      return response;
    }),

    check: unary(async (request: requests.CheckRequest) => {
      const news = opened(request.getNews());
      const olds = request.hasOlds() ? opened(request.getOlds()).value : undefined;
      return on(request.getUrn(), 0, async ({ handler, call, alwaysSecret }) => {
        const { inputs, failures = [] } = (await handler.check?.(news.value, olds, call)) ?? { inputs: news.value };
        const response = new provider.CheckResponse();
        response.setInputs(sealed(inputs, union(news.secrecy, alwaysSecret)));
        response.setFailuresList(
          failures.map(({ property, reason }) => {
            const failure = new provider.CheckFailure();
            failure.setProperty(property);
            failure.setReason(reason);
            return failure;
          }),
        );
        return response;
      });
    }),

    diff: unary(async (request: requests.DiffRequest) => {
      const oldInputs = opened(request.getOldInputs()).value;
      const oldOutputs = opened(request.getOlds()).value;
      const news = opened(request.getNews()).value;
      return on(request.getUrn(), 0, async ({ handler, call }) => {
        const result = await (handler.diff?.(request.getId(), oldInputs, oldOutputs, news, call) ??
          diffInputs(oldInputs, news));
        return diffResponse(oldInputs, news, result);
      });
    }),

    create: unary(async (request: requests.CreateRequest) => {
      const inputs = opened(request.getProperties());
      return on(request.getUrn(), request.getTimeout(), async ({ handler, call, alwaysSecret }) => {
        const secrecy = { inputs: inputs.secrecy, outputs: union(inputs.secrecy, alwaysSecret) };
        const made = await keepingSecrets(secrecy, handler.create(inputs.value, request.getPreview(), call));
        const response = new provider.CreateResponse();
        response.setId(made.id);
        response.setProperties(sealed(made.outputs, secrecy.outputs));
        return response;
      });
    }),

    read: unary(async (request: requests.ReadRequest) => {
      const inputs = opened(request.getInputs());
      const outputs = opened(request.getProperties());
      return on(request.getUrn(), request.getTimeout(), async ({ handler, call, alwaysSecret }) => {
        const secrecy = { inputs: inputs.secrecy, outputs: union(inputs.secrecy, outputs.secrecy, alwaysSecret) };
        const found = await keepingSecrets(secrecy, handler.read(request.getId(), inputs.value, outputs.value, call));
        const response = new provider.ReadResponse();
        if (!found) return response;
        response.setId(found.id);
        // For an import, no inputs determine what is secret.
        response.setInputs(sealed(found.inputs, union(secrecy.inputs, alwaysSecret)));
        response.setProperties(sealed(found.outputs, secrecy.outputs));
        return response;
      });
    }),

    update: unary(async (request: requests.UpdateRequest) => {
      const id = request.getId();
      const oldInputs = opened(request.getOldInputs()).value;
      const oldOutputs = opened(request.getOlds());
      const news = opened(request.getNews());
      return on(request.getUrn(), request.getTimeout(), async ({ handler, call, alwaysSecret }) => {
        // Outputs of inputs are secret if the input is secret now. Computed outputs stay secret if they were.
        const computed = restrict(oldOutputs.secrecy, (key) => !(key in news.value));
        const secrecy = { inputs: news.secrecy, outputs: union(news.secrecy, computed, alwaysSecret) };
        const updating = handler.update(id, oldInputs, oldOutputs.value, news.value, request.getPreview(), call);
        const response = new provider.UpdateResponse();
        response.setProperties(sealed((await keepingSecrets(secrecy, updating)).outputs, secrecy.outputs));
        return response;
      });
    }),

    delete: unary(async (request: requests.DeleteRequest) => {
      const inputs = opened(request.getOldInputs()).value;
      const outputs = opened(request.getProperties()).value;
      return on(request.getUrn(), request.getTimeout(), async ({ handler, call }) => {
        await handler.delete(request.getId(), inputs, outputs, call);
        return new empty.Empty();
      });
    }),

    invoke: unary(async (request: requests.InvokeRequest) => {
      throw new Error(`the ${standIn.name} stand-in has no function ${request.getTok()}`);
    }),

    cancel: unary(async () => {
      cancelled.abort(new Error("cancelled"));
      return new empty.Empty();
    }),
  };
}

/** Compares inputs. Every difference is an update in place. */
function diffInputs(olds: Props, news: Props): DiffResult {
  const changedKeys = changedPaths(olds, news);
  return {
    changes: changedKeys.length > 0,
    replaces: [],
    deleteBeforeReplace: false,
    changedKeys,
  };
}

function diffResponse(olds: Props, news: Props, result: DiffResult): requests.DiffResponse {
  const response = new provider.DiffResponse();
  const { DIFF_SOME, DIFF_NONE } = provider.DiffResponse.DiffChanges;
  response.setChanges(result.changes ? DIFF_SOME : DIFF_NONE);
  response.setReplacesList(result.replaces);
  response.setDeletebeforereplace(result.deleteBeforeReplace);
  response.setDiffsList([...new Set(result.changedKeys.map((path) => path.replace(/[.[].*$/s, "")))]);
  response.setHasdetaileddiff(result.changedKeys.length > 0);
  for (const path of result.changedKeys) {
    const property = new provider.PropertyDiff();
    property.setKind(diffKind(olds, news, path, result.replaces));
    property.setInputdiff(true);
    response.getDetaileddiffMap().set(path, property);
  }
  return response;
}

function diffKind(olds: Props, news: Props, path: string, replaces: string[]): requests.PropertyDiff.Kind {
  const kinds = provider.PropertyDiff.Kind;
  const replace = replaces.some(
    (replaced) => path === replaced || (/^[.[]/.test(path.slice(replaced.length)) && path.startsWith(replaced)),
  );
  if (atPath(olds, path) === undefined) return replace ? kinds.ADD_REPLACE : kinds.ADD;
  if (atPath(news, path) === undefined) return replace ? kinds.DELETE_REPLACE : kinds.DELETE;
  return replace ? kinds.UPDATE_REPLACE : kinds.UPDATE;
}

function opened(struct: structs.Struct | undefined): Opened<Props> {
  return openProps(struct?.toJavaScript());
}

function sealed(props: Props, secrecy: Secrecy): structs.Struct {
  return structs.Struct.fromJavaScript(sealProps(props, secrecy) as Record<string, structs.JavaScriptValue>);
}

/** `urn:pulumi:<stack>::<project>::<parent types$type>::<name>`. The name may contain `::`. */
function parseUrn(urn: string): { type: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.slice(types.lastIndexOf("$") + 1), name: name.join("::") };
}

/** Adds to a {@link PartialError} the state that the engine keeps. */
async function keepingSecrets<T>(secrecy: { inputs: Secrecy; outputs: Secrecy }, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof PartialError) throw partialFailure(error, secrecy);
    throw error;
  }
}

/** gRPC's rich error model: the details are in a trailer that the engine's gRPC library reads. */
function partialFailure(error: PartialError, secrecy: { inputs: Secrecy; outputs: Secrecy }): RpcError {
  const detail = new provider.ErrorResourceInitFailed();
  detail.setId(error.id);
  detail.setProperties(sealed(error.outputs, secrecy.outputs));
  detail.setInputs(sealed(error.inputs, secrecy.inputs));
  detail.setReasonsList([error.message]);
  const packed = new any.Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statuses.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(error.message);
  status.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return new RpcError(error.message, metadata);
}
