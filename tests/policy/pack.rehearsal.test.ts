/** The policy pack in previews of the real engine, without a cluster. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Outcome, Stack } from "../../rehearsal/engine/stack.ts";
import { prepareTools } from "../../rehearsal/tools/tools.ts";
import { fixtures, testSecrets } from "../support/stackFile.ts";

const root = join(import.meta.dirname, "../..");

/** Previews a stack of the tests with the pack, and with settings by their key. */
async function preview(name: "test" | "prod", settings: Record<string, string>): Promise<Outcome> {
  const { tools } = await prepareTools({ log: console.log, signal: new AbortController().signal });
  const dir = await mkdtemp(join(tmpdir(), "policy-pack-"));
  try {
    const workDir = join(dir, name);
    await mkdir(workDir);
    const path = [join(root, "rehearsal/standins/bin"), join(root, "node_modules/.bin"), dirname(tools.helm)];
    const stackFiles = fileURLToPath(fixtures);
    const stack = await Stack.create({ pulumi: tools.pulumi, projectDir: root, stackFiles, workDir, path }, name, {
      plain: { "pulsar:chart.source": join(root, "rehearsal/standins/charts/pulsar-2.7"), ...settings },
      secret: testSecrets,
    });
    return await stack.preview({ policyPack: join(root, "policy") });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test("the pack fails a preview of production with a violation, and one without it passes", async () => {
  const refused = await preview("prod", { "pulsar:networkPolicies.enabled": "false" });
  assert.equal(refused.ok, false);
  assert.match(refused.text, /\[mandatory\] \[severity: high\] +network-policies/);
  assert.doesNotMatch(refused.text, /(?:images|volumes|placement)\S* +\(pulumi:pulumi:Stack/);

  const waived = await preview("prod", {
    "pulsar:networkPolicies.enabled": "false",
    "pulsar:policyWaivers[0].rule": "network-policies",
    "pulsar:policyWaivers[0].reason": "the cluster has no network plugin",
    "pulsar:policyWaivers[0].expires": "2999-12-31",
  });
  assert.ok(waived.ok, waived.text);
});
