import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { findChart } from "../../../review/chart/source.ts";

describe("the chart of a release", () => {
  let folder = "";
  const cacheBefore = process.env["XDG_CACHE_HOME"];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "chart-"));
    process.env["XDG_CACHE_HOME"] = folder;
  });
  afterEach(async () => {
    if (cacheBefore === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = cacheBefore;
    await rm(folder, { recursive: true });
  });

  /** In place of Helm: it pulls a chart with this description, or fails. */
  async function repository(description: string | undefined): Promise<void> {
    const pull = `for last; do :; done; mkdir "$last/pulsar"; echo "{ name: pulsar, description: ${description ?? ""} }" > "$last/pulsar/Chart.yaml"`;
    await writeFile(join(folder, "helm"), `#!/bin/sh\n${description === undefined ? "exit 1" : pull}\n`);
    await chmod(join(folder, "helm"), 0o755);
  }

  async function found(fresh: boolean) {
    const inputs = { chart: "oci://registry.example.com/pulsar", version: "4.7.0" };
    const options = { folder, helm: join(folder, "helm"), fresh, signal: new AbortController().signal };
    const { facts } = await findChart(inputs, options);
    return [facts.source, facts.digest] as const;
  }

  it("a chart is cached, and downloaded again on request: another one under the same version has another digest", async () => {
    await repository("first");
    const reviewed = await found(false);
    assert.equal(reviewed[0], "vendor");
    assert.deepEqual(await found(true), reviewed);
    await repository("second");
    assert.deepEqual(await found(false), reviewed);
    const [source, digest] = await found(true);
    assert.equal(source, "vendor");
    assert.notEqual(digest, reviewed[1]);
    assert.deepEqual(await found(false), [source, digest]);
  });

  it("a chart that cannot be downloaded again is not taken from the cache", async () => {
    await repository("first");
    await found(false);
    await repository(undefined);
    assert.equal((await found(false))[0], "vendor");
    assert.equal((await found(true))[0], "stand-in");
  });
});
