import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stringify } from "yaml";
import { checkKubernetes, isOlder, previewKubernetes } from "../../../components/resources/kubernetesVersion.ts";
import { freePorts } from "../../../rehearsal/ports.ts";

const need = { chart: "4.7.0", from: "1.25" };

let dir: string;
const servers: Server[] = [];
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "kubernetes-version-"));
});
after(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(dir, { recursive: true });
});

/** A kubeconfig whose context "test" leads to this address. */
async function leadingTo(port: number) {
  const kubeconfig = join(dir, `config-${port}`);
  const config = {
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
    users: [{ name: "test", user: {} }],
  };
  await writeFile(kubeconfig, stringify(config));
  return { kubeconfig };
}

/** A cluster of this version; without one, a cluster that never answers. */
async function clusterOf(version?: { major: string; minor: string }) {
  const server = createServer((request, response) => {
    if (version === undefined || !request.url?.startsWith("/version")) return;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...version, gitVersion: `v${version.major}.${version.minor}.0` }));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return leadingTo((server.address() as AddressInfo).port);
}

async function nobody() {
  const [port = 0] = await freePorts(1);
  return leadingTo(port);
}

describe("the cluster's version of Kubernetes", () => {
  const check = { up: checkKubernetes, preview: previewKubernetes };

  for (const [command, look] of Object.entries(check)) {
    test(`${command}: is told where it is new enough`, async () => {
      for (const minor of ["25", "25+", "37"]) {
        const found = await look(await clusterOf({ major: "1", minor }), need);
        assert.equal(
          found,
          `context "test" has Kubernetes 1.${Number.parseInt(minor)}; chart 4.7.0 needs 1.25 or newer`,
        );
      }
    });

    test(`${command}: is refused where it is too old, with context, version and need in one line`, async () => {
      for (const minor of ["9", "24+"]) {
        await assert.rejects(look(await clusterOf({ major: "1", minor }), need), (error: Error) => {
          assert.equal(
            error.message,
            `context "test" has Kubernetes 1.${Number.parseInt(minor)}, but chart 4.7.0 needs 1.25 or newer: ` +
              "use a newer cluster, or another pulsar:chart.version",
          );
          assert.equal(error.stack, error.message);
          return true;
        });
      }
    });
  }

  test("preview: is not asked for where the stack names no cluster, whatever this machine's kubeconfig says", async () => {
    const { kubeconfig } = await clusterOf({ major: "1", minor: "9" });
    const users = process.env.KUBECONFIG;
    process.env.KUBECONFIG = kubeconfig;
    try {
      assert.equal(await previewKubernetes({}, need), undefined);
    } finally {
      if (users === undefined) delete process.env.KUBECONFIG;
      else process.env.KUBECONFIG = users;
    }
  });

  test("preview: is left alone where nobody answers, where nobody answers in time, or where there is no such context", async () => {
    assert.equal(await previewKubernetes(await nobody(), need), undefined);
    assert.equal(await previewKubernetes(await clusterOf(), need, 0.2), undefined);
    assert.equal(await previewKubernetes({ ...(await nobody()), context: "gone" }, need), undefined);
    assert.equal(await previewKubernetes({ kubeconfig: join(dir, "absent") }, need), undefined);
  });

  test("up: a cluster that cannot be asked is a fault", async () => {
    await assert.rejects(
      checkKubernetes(await nobody(), need),
      /^Error: the API server .* of context "test" cannot be reached/,
    );
  });
});

test("versions are compared by number", () => {
  assert.deepEqual(
    ["1.9", "1.24", "1.25", "1.100", "2.0"].map((version) => isOlder(version, "1.25")),
    [true, true, false, false, false],
  );
});
