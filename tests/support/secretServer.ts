import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { ClusterRef } from "../../model/clusterRef.ts";

/** An API server with Secrets that contain tokens, by name, and nothing else. */
export async function startSecretServer(
  tokens: Record<string, string>,
): Promise<{ cluster: ClusterRef; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const token = tokens[(request.url ?? "").split("/").at(-1) ?? ""];
    const body =
      token === undefined
        ? { kind: "Status", message: "not found" }
        : { kind: "Secret", data: { TOKEN: Buffer.from(token).toString("base64") } };
    response.writeHead(token === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dir = await mkdtemp(join(tmpdir(), "secret-server-"));
  const kubeconfig = join(dir, "kubeconfig");
  const named = (what: string, content: object) => [{ name: "test", [what]: content }];
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: named("context", { cluster: "test", user: "test" }),
    clusters: named("cluster", {
      server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      "insecure-skip-tls-verify": true,
    }),
    users: named("user", {}),
  };
  await writeFile(kubeconfig, stringify(config));
  return {
    cluster: { kubeconfig, context: "test" },
    async close() {
      server.close();
      server.closeAllConnections();
      await rm(dir, { recursive: true });
    },
  };
}
