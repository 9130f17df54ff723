/** A key rotation from the perspective of a client of a real broker and a real proxy. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { execa } from "execa";
import { tokenSteps as steps } from "../../../resources/kubernetes/secretRollout.ts";
import { classpath } from "../../../rehearsal/pulsar/classpath.ts";
import { moduleAccess, shortLived } from "../../../rehearsal/pulsar/java.ts";
import { newPrivateKey, type Program, startPulsar } from "../../../rehearsal/pulsar/pulsar.ts";
import { waitFor } from "../../../rehearsal/cluster/waiting.ts";
import { openWorkspace } from "../../../rehearsal/engine/workspace.ts";

const limit = 300_000;
const topic = "public/default/rotation";
const isProgram = (component: string): component is Program => component === "broker" || component === "proxy";

test("a producer continues after a rotation, and no acknowledged message is lost", async (t) => {
  const workspace = await openWorkspace();
  try {
    const pulsar = await startPulsar({ workspace, keys: "asymmetric" });
    const tokenFile = join(workspace.dir, "client.token");
    const handOut = async () => writeFile(tokenFile, await pulsar.token({ role: "admin" }), { mode: 0o600 });
    await handOut();
    const admin = async (method: "GET" | "PUT", path: string) => {
      const headers = { authorization: `Bearer ${await pulsar.token({ role: "admin" })}` };
      const response = await fetch(`${pulsar.adminUrl}/admin/v2/persistent/${topic}${path}`, { method, headers });
      const answer = await response.text();
      assert.ok(response.ok, `${method} ${path}: ${response.status} ${answer}`);
      return answer;
    };
    await admin("PUT", "");
    await admin("PUT", "/subscription/check");

    const source = join(import.meta.dirname, "../../../rehearsal/pulsar/Producer.java");
    const jars = await classpath("server", workspace);
    const { env } = workspace;
    const program = [...moduleAccess, ...shortLived, "-Xmx128m", "-cp", jars, source];
    const producer = execa("java", [...program, pulsar.serviceUrl, `persistent://${topic}`, tokenFile], {
      env,
      extendEnv: false,
      stdin: "pipe",
      buffer: false,
      reject: false,
    });
    const acknowledged: { number: number; at: number }[] = [];
    createInterface(producer.stdout).on("line", (line) => {
      if (/^\d+$/.test(line)) acknowledged.push({ number: Number(line), at: performance.now() });
    });
    const more = async (count: number, what: string) => {
      const wanted = acknowledged.length + count;
      await waitFor(async () => acknowledged.length >= wanted || undefined, { what, limit, signal: workspace.signal });
    };

    await more(50, "messages before the rotation");
    const order = steps.map((step) => step.filter(isProgram)).filter((step) => step.length > 0);
    const last = acknowledged.length - 1;
    const rotated = pulsar.rotate(newPrivateKey("asymmetric"), order);
    await handOut();
    await rotated;
    await more(50, "messages after the rotation");
    const times = acknowledged.slice(last).map(({ at }) => at);
    const outage = Math.max(...times.slice(1).map((at, i) => at - (times[i] ?? at)));
    t.diagnostic(`nothing was acknowledged for ${(outage / 1000).toFixed(1)} s`);

    producer.stdin.end("\n");
    assert.equal((await producer).exitCode, 0);
    const stats = JSON.parse(await admin("GET", "/stats")) as { subscriptions: { check: { msgBacklog: number } } };
    const consumed = await execa(
      "bin/pulsar-client",
      [
        ...["--url", pulsar.serviceUrl, "--auth-plugin", "org.apache.pulsar.client.impl.auth.AuthenticationToken"],
        ...["--auth-params", `file://${tokenFile}`, "consume", "--subscription-name", "check"],
        ...["--num-messages", String(stats.subscriptions.check.msgBacklog), `persistent://${topic}`],
      ],
      { env, extendEnv: false, cwd: pulsar.clientTools, stdin: "ignore", timeout: limit },
    );
    const found = new Set([...consumed.stdout.matchAll(/content:(\d+)/g)].map(([, number]) => Number(number)));
    assert.deepEqual(
      acknowledged.filter(({ number }) => !found.has(number)),
      [],
    );
  } finally {
    await workspace.close();
  }
});
