import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import * as grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import plugins from "@pulumi/pulumi/proto/plugin_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import statuses from "@pulumi/pulumi/proto/status_pb.js";
import { engineAt } from "../../../rehearsal/standins/protocol/engine.ts";
import { listen, type Listening, unary } from "../../../rehearsal/standins/protocol/server.ts";
import {
  type Call,
  PartialError,
  type Props,
  type ResourceHandler,
  serveAttached,
  service,
  type StandIn,
  UNKNOWN,
} from "../../../rehearsal/standins/protocol.ts";

const signature = "4dabf18193072939515e22adb298388d";
const secret = (value: unknown): object => ({ [signature]: "1b47061264138c4ac30d75fd1eb44270", value });
const urn = "urn:pulumi:test::project::pulsar:index:Parent$fake:index/thing:Thing::my::name";

/** The last request to the handler, and its next response. */
const seen: { call?: Call; args?: unknown[] } = {};
let next: () => Promise<{ id: string; outputs: Props; inputs: Props }>;

const thing: ResourceHandler = {
  async create(inputs, preview, call) {
    Object.assign(seen, { call, args: [inputs, preview] });
    return next();
  },
  async read(id, inputs, outputs, call) {
    Object.assign(seen, { call, args: [id, inputs, outputs] });
    return id === "gone" ? undefined : next();
  },
  async update(id, oldInputs, oldOutputs, news, preview, call) {
    Object.assign(seen, { call, args: [id, oldInputs, oldOutputs, news, preview] });
    return next();
  },
  async delete(id, inputs, outputs, call) {
    Object.assign(seen, { call, args: [id, inputs, outputs] });
  },
};

const fake: StandIn = {
  name: "fake",
  version: "1.2.3",
  async configure(config) {
    seen.args = [config];
  },
  handler: (type) => (type === "fake:index/thing:Thing" ? thing : undefined),
  secretOutputs: () => ["key"],
};

const struct = (value: object): structs.Struct => structs.Struct.fromJavaScript(value as Record<string, never>);
const logged: LogRequest.AsObject[] = [];
let client: ResourceProviderClient;

type Method = (request: object, done: (error: grpc.ServiceError | null, response: unknown) => void) => void;

/** Calls one method of the served stand-in. */
async function ask<Response>(method: keyof ResourceProviderClient, request: object, to = client): Promise<Response> {
  const methods = to as unknown as Record<typeof method, Method>;
  return new Promise((resolve, reject) => {
    methods[method](request, (error, response) => {
      if (error) reject(error);
      else resolve(response as Response);
    });
  });
}

function createRequest(properties: object, preview = false): object {
  const request = new provider.CreateRequest();
  request.setUrn(urn);
  request.setProperties(struct(properties));
  request.setPreview(preview);
  request.setTimeout(7);
  return request;
}

describe("a served stand-in", () => {
  let servers: Listening[] = [];

  before(async () => {
    const engine = await listen(engineGrpc.EngineService, {
      log: unary(async (request: LogRequest) => {
        logged.push(request.toObject());
        return new empty.Empty();
      }),
    });
    const implementation = service(fake, engineAt(`127.0.0.1:${engine.port}`));
    const plugin = await listen(providerGrpc.ResourceProviderService, implementation);
    servers = [engine, plugin];
    client = new providerGrpc.ResourceProviderClient(`127.0.0.1:${plugin.port}`, grpc.credentials.createInsecure());
  });

  after(() => {
    client.close();
    for (const server of servers) server.close();
  });

  test("gets plain values and returns the secrets that it was given", async () => {
    next = async () => ({ id: "x", inputs: {}, outputs: { ...(seen.args?.[0] as Props), key: "k", open: 1 } });
    const response = await ask<InstanceType<typeof provider.CreateResponse>>(
      "create",
      createRequest({ password: secret("p"), values: { a: secret("b"), c: "d" } }),
    );
    assert.deepEqual(seen.args, [{ password: "p", values: { a: "b", c: "d" } }, false]);
    assert.equal(response.getId(), "x");
    assert.deepEqual(response.getProperties()?.toJavaScript(), {
      password: secret("p"),
      values: { a: secret("b"), c: "d" },
      key: secret("k"),
      open: 1,
    });
    const { type, name, timeoutSeconds } = seen.call ?? assert.fail();
    assert.deepEqual(
      { type, name, timeoutSeconds },
      { type: "fake:index/thing:Thing", name: "my::name", timeoutSeconds: 7 },
    );
  });

  test("gets unknowns at preview, and may return some", async () => {
    next = async () => ({ id: "", inputs: {}, outputs: { computed: UNKNOWN } });
    const response = await ask<InstanceType<typeof provider.CreateResponse>>(
      "create",
      createRequest({ later: "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2" }, true),
    );
    assert.deepEqual(seen.args, [{ later: UNKNOWN }, true]);
    assert.deepEqual(response.getProperties()?.toJavaScript(), { computed: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" });
  });

  test("keeps the inputs' secrets through check", async () => {
    const request = new provider.CheckRequest();
    request.setUrn(urn);
    request.setNews(struct({ password: secret("p"), a: 1 }));
    const response = await ask<InstanceType<typeof provider.CheckResponse>>("check", request);
    assert.deepEqual(response.getInputs()?.toJavaScript(), { password: secret("p"), a: 1 });
  });

  test("compares inputs by default, and returns the paths", async () => {
    const request = new provider.DiffRequest();
    request.setUrn(urn);
    request.setOldInputs(struct({ a: 1, deep: { x: secret(1) }, gone: 1 }));
    request.setNews(struct({ a: 1, deep: { x: 2 }, added: 1 }));
    const response = await ask<InstanceType<typeof provider.DiffResponse>>("diff", request);
    const kinds = provider.PropertyDiff.Kind;
    assert.equal(response.getChanges(), provider.DiffResponse.DiffChanges.DIFF_SOME);
    assert.deepEqual(response.getReplacesList(), []);
    assert.deepEqual(response.getDiffsList(), ["deep", "gone", "added"]);
    const detailed: Record<string, number> = {};
    response.getDetaileddiffMap().forEach((diff, path) => {
      detailed[path] = diff.getKind();
    });
    assert.deepEqual(detailed, { added: kinds.ADD, "deep.x": kinds.UPDATE, gone: kinds.DELETE });
  });

  test("keeps computed outputs secret on update", async () => {
    next = async () => ({ id: "x", inputs: {}, outputs: { made: "m", was: "plain now" } });
    const request = new provider.UpdateRequest();
    request.setUrn(urn);
    request.setId("x");
    request.setOlds(struct({ made: secret("m"), was: secret("s") }));
    request.setNews(struct({ was: "plain now" }));
    const response = await ask<InstanceType<typeof provider.UpdateResponse>>("update", request);
    assert.deepEqual(response.getProperties()?.toJavaScript(), { made: secret("m"), was: "plain now" });
  });

  test("reads with the secrets of the state, and reports a missing resource", async () => {
    next = async () => ({ id: "x", inputs: { a: "i" }, outputs: { a: "i", made: "m" } });
    const request = new provider.ReadRequest();
    request.setUrn(urn);
    request.setId("x");
    request.setInputs(struct({ a: secret("i") }));
    request.setProperties(struct({ a: secret("i"), made: secret("m") }));
    const response = await ask<InstanceType<typeof provider.ReadResponse>>("read", request);
    assert.deepEqual(response.getInputs()?.toJavaScript(), { a: secret("i") });
    assert.deepEqual(response.getProperties()?.toJavaScript(), { a: secret("i"), made: secret("m") });
    request.setId("gone");
    assert.equal((await ask<InstanceType<typeof provider.ReadResponse>>("read", request)).getId(), "");
  });

  test("fails with the message only", async () => {
    next = () => Promise.reject(new Error('database "x" already exists\nsecond line'));
    await assert.rejects(ask("create", createRequest({})), (error: grpc.ServiceError) => {
      assert.equal(error.code, grpc.status.UNKNOWN);
      assert.equal(error.details, 'database "x" already exists\nsecond line');
      return true;
    });
  });

  test("a partial failure has the state with its secrets", async () => {
    const outputs = { password: "p", manifest: "x".repeat(30_000) };
    next = () => Promise.reject(new PartialError("not ready", "x", outputs, { password: "p" }));
    await assert.rejects(ask("create", createRequest({ password: secret("p") })), (error: grpc.ServiceError) => {
      const [details] = error.metadata.get("grpc-status-details-bin");
      const [packed] = statuses.Status.deserializeBinary(Buffer.from(details as Buffer)).getDetailsList();
      assert.equal(packed?.getTypeName(), "pulumirpc.ErrorResourceInitFailed");
      const failed = provider.ErrorResourceInitFailed.deserializeBinary(packed.getValue_asU8());
      assert.equal(failed.getId(), "x");
      assert.deepEqual(failed.getReasonsList(), ["not ready"]);
      assert.deepEqual(failed.getInputs()?.toJavaScript(), { password: secret("p") });
      assert.deepEqual(failed.getProperties()?.toJavaScript(), { ...outputs, password: secret("p") });
      return true;
    });
  });

  test("refuses unknown types and functions", async () => {
    const request = new provider.CreateRequest();
    request.setUrn("urn:pulumi:test::project::fake:index:Other::x");
    await assert.rejects(ask("create", request), /the fake stand-in has no resource type fake:index:Other/);
    const invoke = new provider.InvokeRequest();
    invoke.setTok("fake:index:get");
    await assert.rejects(ask("invoke", invoke), /the fake stand-in has no function fake:index:get/);
  });

  test("sends its logs to the engine before it responds", async () => {
    next = async () => {
      seen.call?.log.warn("careful");
      seen.call?.log.status("waiting");
      return { id: "x", inputs: {}, outputs: {} };
    };
    logged.length = 0;
    await ask("create", createRequest({}));
    assert.deepEqual(
      logged.map(({ message, ephemeral, urn: about }) => ({ message, ephemeral, about })),
      [
        { message: "careful", ephemeral: false, about: urn },
        { message: "waiting", ephemeral: true, about: urn },
      ],
    );
  });

  test("is configured with the arguments, with unwrapped secrets", async () => {
    const request = new provider.ConfigureRequest();
    request.setArgs(struct({ host: "h", password: secret("p"), port: "5432" }));
    const response = await ask<InstanceType<typeof provider.ConfigureResponse>>("configure", request);
    assert.deepEqual(seen.args, [{ host: "h", password: "p", port: "5432" }]);
    assert.ok(response.getSupportspreview() && response.getAcceptsecrets());
  });

  test("stops running operations when the engine cancels", async () => {
    next = async () => {
      await once(seen.call?.signal ?? assert.fail(), "abort");
      throw new Error("cancelled");
    };
    const creating = assert.rejects(ask("create", createRequest({})), /cancelled/);
    await ask("cancel", new empty.Empty());
    await creating;
  });
});

test("engines that attach to one process have a stand-in each, which ends with the engine", async () => {
  const hosts: unknown[] = [];
  let signal: AbortSignal | undefined;
  const began = Promise.withResolvers<undefined>();
  const plugin = await serveAttached(() => {
    let host: unknown;
    return {
      ...fake,
      async configure(config) {
        host = config.host;
      },
      handler: () => ({
        ...thing,
        async create(_inputs, _preview, call) {
          hosts.push(host);
          signal = call.signal;
          if (hosts.length < 3) return { id: "x", outputs: {} };
          began.resolve(undefined);
          await once(call.signal, "abort");
          throw new Error("aborted");
        },
      }),
    };
  });
  const engine = await listen(engineGrpc.EngineService, { log: unary(async () => new empty.Empty()) });
  const address = `127.0.0.1:${plugin.port}`;
  const clients = ["one", "two"].map((host) => {
    // Otherwise both share a connection.
    const options = { "grpc.use_local_subchannel_pool": 1 };
    return {
      host,
      client: new providerGrpc.ResourceProviderClient(address, grpc.credentials.createInsecure(), options),
    };
  });
  for (const { host, client } of clients) {
    await ask("handshake", new provider.ProviderHandshakeRequest(), client);
    await ask("attach", new plugins.PluginAttach().setAddress(`127.0.0.1:${engine.port}`), client);
    await ask("configure", new provider.ConfigureRequest().setArgs(struct({ host })), client);
  }
  for (const { client } of clients) await ask("create", createRequest({}), client);
  assert.deepEqual(hosts, ["one", "two"]);
  const creating = assert.rejects(ask("create", createRequest({}), clients[0]?.client), /aborted/);
  await began.promise;
  assert.equal(signal?.aborted, false);
  engine.close();
  await creating;
  for (const { client } of clients) client.close();
  plugin.close();
});
