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

/** The violations in the output, each as its level and its policy, once. */
function violationsIn(text: string): string[] {
  return [...new Set(text.match(/^ +- \[(?:mandatory|advisory)\].*$/gm))]
    .map((line) => line.replace(/^ +- \[(\w+)\] +(?:\[severity: \w+\] +)?([\w-]+) .*$/, "$1 $2"))
    .filter((line, i, all) => all.indexOf(line) === i);
}

/** A secret in plain text, which the settings accept. */
const plainSecret = {
  "pulsar:ingress.className": "nginx",
  "pulsar:ingress.admin.host": "pulsar-admin.example.com",
  'pulsar:ingress.annotations["example.com/token"]': "hunter22",
};

test("violations fail a preview of production, unless they are waived", async () => {
  const open = { "pulsar:networkPolicies.enabled": "false" };
  const refused = await preview("prod", { ...plainSecret, ...open });
  assert.deepEqual(
    [refused.ok, violationsIn(refused.text)],
    [false, ["mandatory no-plain-secrets", "mandatory network-policies"]],
    refused.text,
  );

  const waived = await preview("prod", {
    ...open,
    "pulsar:policyWaivers[0].rule": "network-policies",
    "pulsar:policyWaivers[0].reason": "the cluster has no network plugin",
    "pulsar:policyWaivers[0].expires": "2999-12-31",
  });
  assert.deepEqual([waived.ok, violationsIn(waived.text)], [true, []], waived.text);
});

test("the same violation of the test stack is advice: the preview shows it and passes", async () => {
  const { ok, text } = await preview("test", plainSecret);
  assert.deepEqual([ok, violationsIn(text)], [true, ["advisory no-plain-secrets"]], text);
});
