import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { planOf } from "../../review/planOf.ts";
import { commitsOf, withCheckout } from "../../review/program/checkout.ts";
import { fixtures } from "../support/stackFile.ts";

const folder = fileURLToPath(new URL("../../", import.meta.url));
const stackFiles = fileURLToPath(fixtures);

test("the same files give the same plan in another folder, without a path or a placeholder", async () => {
  const options = { stack: "test", stackFiles, standIn: true };
  const own = await planOf({ ...options, folder });
  assert.ok(!("refused" in own), JSON.stringify(own));
  assert.equal(own.chart.source, "stand-in");
  assert.ok(own.objects.some(({ kind, metadata }) => kind === "StatefulSet" && metadata.name === "pulsar-bookie"));
  assert.ok(
    own.resources.some(({ name, secretInputs }) => name === "auth-token-admin" && secretInputs.includes("data")),
  );

  let checkout = "";
  const other = await withCheckout(folder, "HEAD", (path) => planOf({ ...options, folder: (checkout = path) }));
  assert.ok(!("refused" in other), JSON.stringify(other));
  assert.doesNotMatch(JSON.stringify([own, other]), new RegExp(`${checkout}|${folder}`));
  await assert.rejects(readFile(join(checkout, "Pulumi.yaml")), { code: "ENOENT" });
  // The working tree may differ from its last commit.
  const { exitCode } = await execa("git", ["diff", "--quiet", "HEAD"], { cwd: folder, reject: false });
  if (exitCode === 0) assert.equal(JSON.stringify(other), JSON.stringify(own));
});

test("an unknown base is one line, also where git has an option of that name", async () => {
  for (const name of ["no-such-branch", "--help"]) {
    await assert.rejects(commitsOf(folder, name), {
      message: new RegExp(`^--base: git finds no merge base with ${name} \\(.+${name}\\); fetch it, or name another$`),
    });
  }
});

test("a refusal has the program's lines, without the secret in plain text", async () => {
  const files = await mkdtemp(join(tmpdir(), "stack-files-"));
  try {
    const text = await readFile(join(stackFiles, "Pulumi.test.yaml"), "utf8");
    await writeFile(join(files, "Pulumi.test.yaml"), `${text}  pulsar:managerPassword: hunter2-in-plain\n`);
    const plan = await planOf({ folder, stack: "test", stackFiles: files });
    assert.ok("refused" in plan);
    assert.match(plan.refused.join("\n"), /pulsar:managerPassword: is in plain text/);
    assert.doesNotMatch(JSON.stringify(plan), /hunter2/);

    await writeFile(join(files, "Pulumi.test.yaml"), "config:\n  pulsar:layout: [\n");
    const broken = await planOf({ folder, stack: "test", stackFiles: files });
    assert.match(
      "refused" in broken ? broken.refused.join("\n") : "",
      /^Pulumi\.test\.yaml: .*; correct the YAML there$/,
    );
  } finally {
    await rm(files, { recursive: true, force: true });
  }
});
