import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import plugins from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { engineAt, noEngine } from "../protocol/engine.ts";
import { type Listening, listen, unlimited } from "../protocol/server.ts";

const script = join(import.meta.dirname, "../bin/pulumi-resource-pulumi-nodejs");

/**
 * Serves the SDK's dynamic provider to engines that attach to it (PULUMI_DEBUG_PROVIDERS), one after the other. The provider (3.270) does not
 * support this, so it runs in a separate process, which gets all other requests as they are. Its output becomes messages of the engine.
 */
export async function serveAttachedDynamicProvider(): Promise<Listening> {
  let engine = noEngine;
  let client: Promise<grpc.Client> | undefined;
  let address = "";

  const start = async (): Promise<grpc.Client> => {
    const { stdout, stderr } = spawn(process.execPath, [script, address], { stdio: ["ignore", "pipe", "pipe"] });
    const output = createInterface(stdout);
    const [port] = (await once(output, "line")) as [string];
    for (const lines of [output, createInterface(stderr)]) {
      lines.on("line", (line) => {
        engine.logFor("").info(line);
      });
    }
    return new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), unlimited);
  };
  const forward =
    (path: string): grpc.handleUnaryCall<Buffer, Buffer> =>
    ({ request, metadata }, callback) => {
      void (client ??= start()).then((provider) =>
        provider.makeUnaryRequest(path, asIs, asIs, request, metadata, callback),
      );
    };
  const attach: grpc.handleUnaryCall<Buffer, Buffer> = ({ request }, callback) => {
    engine = engineAt(plugins.PluginAttach.deserializeBinary(request).getAddress());
    callback(null, Buffer.from(new empty.Empty().serializeBinary()));
  };

  const methods = Object.entries(providerGrpc.ResourceProviderService).filter(
    ([, { responseStream }]) => !responseStream,
  );
  const listening = await listen(
    Object.fromEntries(methods.map(([name, method]) => [name, { ...method, ...unparsed }])),
    { ...Object.fromEntries(methods.map(([name, { path }]) => [name, forward(path)])), attach },
  );
  address = `127.0.0.1:${listening.port}`;
  return listening;
}

const asIs = (message: Buffer): Buffer => message;
const unparsed = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
