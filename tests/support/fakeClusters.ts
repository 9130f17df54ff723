import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { stringify } from "yaml";
import { freePorts } from "../../rehearsal/cluster/ports.ts";

/** API servers with the responses of a test. They are closed at the end of the test file. */
export function fakeClusters() {
  const dir = mkdtempSync(join(tmpdir(), "fake-clusters-"));
  const servers: Server[] = [];
  after(async () => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(dir, { recursive: true });
  });

  /** A kubeconfig whose context "test" refers to this port. */
  async function leadingTo(port: number): Promise<{ kubeconfig: string }> {
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

  return {
    /** A missing file in the folder of the kubeconfigs. */
    absent: () => ({ kubeconfig: join(dir, "absent") }),
    /** Nothing listens there. */
    nobody: async () => {
      const [port = 0] = await freePorts(1);
      return leadingTo(port);
    },
    answering: async (answer: RequestListener) => {
      const server = createServer(answer);
      servers.push(server);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return leadingTo((server.address() as AddressInfo).port);
    },
  };
}

/** Runs a function with the kubeconfig of this machine's user. */
export async function asUsers(kubeconfig: string, work: () => Promise<void>): Promise<void> {
  const users = process.env.KUBECONFIG;
  process.env.KUBECONFIG = kubeconfig;
  try {
    await work();
  } finally {
    if (users === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = users;
  }
}
