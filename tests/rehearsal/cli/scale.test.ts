import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { growthRow, heading, rowOf } from "../../../rehearsal/scale/growth.ts";
import type { Measurement } from "../../../rehearsal/scale/measure.ts";
import { memoryOf, watchMemory } from "../../../rehearsal/scale/memory.ts";
import { fewestNodes, planOf, stack } from "../../../rehearsal/scale/plan.ts";
import { parseSettings } from "../../../settings/settings.ts";
import { setAt } from "../../support/paths.ts";
import { stackConfig } from "../../support/stackFile.ts";

describe("a plan of many nodes", () => {
  for (const [nodes, zookeepers, bookies] of [
    [fewestNodes, 3, 10],
    [30, 3, 20],
    [300, 5, 200],
  ] as const) {
    test(`of ${nodes} nodes is valid, runs pods on all of them, and has no node of the stack file`, () => {
      const config = stackConfig(stack, laidOver(planOf(nodes).plain ?? {}));
      const { placements, nodes: planned } = parseSettings(config, stack, false).layout;
      assert.equal(new Set(planned.map(({ name }) => name)).size, nodes);
      assert.deepEqual(new Set(planned.map(({ zone }) => zone)), new Set(["a", "b", "c"]));
      assert.equal(placements.zookeeper.replicas, zookeepers);
      assert.equal(placements.bookkeeper.replicas, bookies);
      const serving = nodes - zookeepers - bookies;
      assert.deepEqual([placements.broker.replicas, placements.broker.nodes.length], [serving, serving]);
      assert.deepEqual([placements.proxy.replicas, placements.proxy.nodes.length], [serving, serving]);
    });
  }

  test("with fewer nodes than the stack file is refused", () => {
    assert.throws(() => planOf(fewestNodes - 1), { message: "--nodes: 15 is too few; use 16 or more" });
  });
});

/** The settings for configuration by path. */
function laidOver(values: Record<string, string>): Record<string, unknown> {
  const { "pulsar:nodeGroups": groups, "pulsar:replicas": replicas = "{}" } = stackConfig(stack).values;
  const settings = { nodeGroups: JSON.parse(groups ?? ""), replicas: JSON.parse(replicas) } as Record<string, unknown>;
  for (const [path, text] of Object.entries(values)) {
    setAt(settings, path.slice("pulsar:".length), /^\d+$/.test(text) ? Number(text) : text);
  }
  return { "pulsar:nodeGroups": settings["nodeGroups"], "pulsar:replicas": settings["replicas"] };
}

describe("the memory of an operation", () => {
  const one = (pid: number, parent: number, command: string, mebibytes: number) => {
    return { pid, parent, command: command.split(" "), peak: mebibytes * 1024 };
  };
  const all = [
    one(1, 0, "node rehearsal/cli/scale.ts", 100),
    one(2, 1, "/tools/bin/pulumi up --yes", 90),
    one(3, 2, "node standins/bin/pulumi-language-nodejs 127.0.0.1:1", 60),
    one(4, 3, "node /project/node_modules/@pulumi/pulumi/cmd/run/index.js --pwd /project", 200),
    one(5, 2, "/plugins/pulumi-resource-kubernetes 127.0.0.1:1", 50),
    one(6, 5, "helm install", 40),
    one(7, 1, "/tools/bin/kube-apiserver", 500),
    one(8, 99, "/usr/bin/pulumi up", 70),
  ];

  test("is assigned by kind of process, without processes of other engines", () => {
    assert.deepEqual(memoryOf(all, 1), { program: 200, engine: 90, plugins: 150 });
  });

  test("is 0 if no engine runs", () => {
    assert.deepEqual(memoryOf([one(1, 0, "node scale.ts", 100)], 1), { program: 0, engine: 0, plugins: 0 });
  });

  test("is read from the kernel's figures for a process", { skip: process.platform !== "linux" }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "scale-"));
    try {
      const engine = join(folder, "pulumi");
      await symlink(process.execPath, engine);
      const child = spawn(engine, ["-e", "console.log('up'); process.stdin.resume()"], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      const watch = watchMemory();
      child.stdin.end();
      await once(child, "exit");
      const { engine: peak, ...others } = watch.stop() ?? assert.fail("nothing was seen");
      // Node needs at least this, and far less than the upper limit.
      assert.ok(peak > 5 && peak < 1000, String(peak));
      assert.deepEqual(others, { program: 0, plugins: 0 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("growth", () => {
  const measured = (nodes: number, seconds: number, memory: Measurement["memory"]): Measurement => {
    const all = { up: seconds, "second up": seconds / 2, refresh: seconds / 4, drift: seconds / 8, destroy: seconds };
    return { nodes, resources: nodes * 6, pods: nodes, seconds: all, memory };
  };
  const small = measured(30, 10, { program: 100, engine: 50, plugins: 200 });
  const large = measured(300, 200, { program: 500, engine: 500, plugins: 200 });

  test("is 1 if a cost grows in proportion to the nodes", () => {
    assert.deepEqual(growthRow([small, large]), [
      ["growth", "", "", "2.00", "2.00", "2.00", "2.00", "2.00", "0.50", "1.00", "0.10"],
    ]);
  });

  test("needs two sizes", () => {
    assert.deepEqual(growthRow([small]), []);
    assert.deepEqual(growthRow([small, small]), []);
  });

  test("omits memory on systems that do not report it", () => {
    const unknown = measured(300, 100, undefined);
    assert.deepEqual(rowOf(unknown), ["300", "1800", "300", "100", "50", "25", "13", "100", "-", "-", "-"]);
    assert.deepEqual(growthRow([small, unknown])[0]?.slice(-3), ["-", "-", "-"]);
    assert.equal(rowOf(unknown).length, heading.length);
  });
});
