import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeCertificates } from "../../../rehearsal/cluster/certificates.ts";
import { connect } from "../../../rehearsal/cluster/api.ts";

test("requests reuse connections", async (context) => {
  const { ca, certificate, key } = await makeCertificates();
  let connections = 0;
  const server = createServer({ cert: certificate, key }, (_, response) => {
    response.setHeader("content-type", "application/json").end('{"items":[]}');
  }).on("secureConnection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const dir = await mkdtemp(join(tmpdir(), "kubernetes-test-"));
  context.after(async () => {
    server.close();
    server.closeAllConnections();
    await rm(dir, { recursive: true });
  });
  const named = (what: string, content: object) => [{ name: "test", [what]: content }];
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: named("context", { cluster: "test", user: "test" }),
    clusters: named("cluster", {
      server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      "certificate-authority-data": Buffer.from(ca).toString("base64"),
    }),
    users: named("user", {}),
  };
  // JSON is valid YAML.
  await writeFile(join(dir, "kubeconfig"), JSON.stringify(kubeconfig));

  const api = await connect(join(dir, "kubeconfig"));
  const seen: number[] = [];
  for (let round = 0; round < 4; round++) {
    assert.deepEqual((await api.core.listNode()).items, []);
    assert.deepEqual((await api.apps.listStatefulSetForAllNamespaces()).items, []);
    await api.get("/api", "application/json");
    seen.push(connections);
  }
  assert.equal(seen.at(-1), seen[1], seen.join(", "));
});
