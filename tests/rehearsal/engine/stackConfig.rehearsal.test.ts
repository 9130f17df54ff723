/** Compares how Pulumi reads awkward stack files with `readConfig`, and checks what a program gets in a preview. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { EngineError, Stack } from "../../../rehearsal/engine/stack.ts";
import { silent, type Progress, type Step } from "../../../rehearsal/cli/progress.ts";
import { standInPlugins } from "../../../rehearsal/stage.ts";
import { generateSecrets, ownProject, secretsFor } from "../../../rehearsal/engine/stackSettings.ts";
import { prepareTools } from "../../../rehearsal/tools/tools.ts";
import { fixtures } from "../../support/stackFile.ts";
import { awkward, empty, faulty } from "../awkwardConfig.ts";
import { errorsOf, rehearse, withProgramWithout } from "../support.ts";

describe("a stack file, read by Pulumi", () => {
  let pulumi = "";

  before(async () => {
    ({
      tools: { pulumi },
    } = await prepareTools({ log: console.log, signal: new AbortController().signal }));
  });

  async function withStack<T>(text: string, use: (stack: Stack, dir: string) => Promise<T>): Promise<T> {
    const dir = await mkdtemp(join(tmpdir(), "stack-config-"));
    try {
      const [projectDir, workDir] = [join(dir, "project"), join(dir, "work")];
      await Promise.all([mkdir(projectDir), mkdir(workDir)]);
      await writeFile(join(projectDir, "Pulumi.yaml"), "name: pulsar\nruntime: nodejs\n");
      await writeFile(join(projectDir, "Pulumi.test.yaml"), text);
      return await use(await Stack.create({ pulumi, projectDir, workDir, path: [] }, "test"), dir);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }

  const read = (text: string) => withStack(text, async ({ initialConfig }) => Promise.resolve(initialConfig));

  test("has the result of readConfig, and so has the rehearsed stack's own file", async () => {
    await withStack(awkward.text, async ({ initialConfig: { plain, encrypted } }, dir) => {
      assert.deepEqual({ plain, encrypted: encrypted.sort() }, { plain: awkward.plain, encrypted: awkward.encrypted });

      const [projectDir, workDir] = [join(dir, "work"), join(dir, "again")];
      await mkdir(workDir);
      const own = await Stack.create({ pulumi, projectDir, workDir, path: [] }, "test");
      assert.deepEqual(own.initialConfig, { plain, encrypted: [] });
    });
  });

  for (const text of empty) {
    test(`may be empty: ${JSON.stringify(text)}`, async () => {
      assert.deepEqual(await read(text), { plain: {}, encrypted: [] });
    });
  }

  for (const { text, pulumi } of faulty) {
    test(`is refused with one line and its name: ${JSON.stringify(text)}`, async () => {
      await assert.rejects(read(text), ({ name, message }: Error) => {
        assert.equal(name, EngineError.name);
        assert.match(message, pulumi);
        assert.match(message, /^Pulumi\.test\.yaml: .*$/);
        return true;
      });
    });
  }

  test("passes an unquoted date to the program as midnight in UTC", async () => {
    const { plain } = await read(
      "config:\n  pulsar:tokens: { expires: 2030-06-30 }\n  pulsar:clients: [{ expires: 2030-06-30T00:00:00Z }]\n",
    );
    const day = "2030-06-30 00:00:00 +0000 UTC";
    assert.deepEqual(plain, { "pulsar:tokens": { expires: day }, "pulsar:clients": [{ expires: day }] });
  });
});

test("the rehearsal refuses what a preview refuses, with the same message, before it starts anything", async (t) => {
  const { tools } = await prepareTools({ log: console.log, signal: new AbortController().signal });
  const test = await readFile(new URL("Pulumi.test.yaml", fixtures), "utf8");
  const faults = [
    test.replace("postgres.example.com", "postgres.example.com:5432"),
    "  pulsar:managerPassword: hunter2hunter2\n",
    "  kubernetes:kubeconfig: |\n    apiVersion: v1\n    kind: Config\n",
    "  pulsar:tokens: { expires: 2030-06-30T10:00:00Z }\n",
  ];
  const [host, secret] = ["pulsar:managerDatabase.host", "pulsar:managerPassword"];
  const cases: [title: string, text: string, keys: string[]][] = [
    [
      "a host with its port, a secret in plain text, a kubeconfig, and a time",
      faults.join(""),
      [secret, "pulsar:tokens.expires", host, "kubernetes:kubeconfig"],
    ],
    ["no host", test.replace("    host: postgres.example.com\n", ""), [host]],
    ["nothing", "config:\n  # nothing yet\n", ["pulsar:layout", host]],
  ];
  for (const [title, text, keys] of cases) {
    await t.test(title, async () => {
      await withProgramWithout({}, async (project) => {
        await writeFile(join(project, "Pulumi.test.yaml"), text);
        const workDir = await mkdtemp(join(tmpdir(), "preview-"));
        try {
          const path = [join(ownProject, "node_modules/.bin"), standInPlugins];
          const stack = await Stack.create({ pulumi: tools.pulumi, projectDir: project, workDir, path }, "test");
          await stack.configure({ secret: secretsFor(stack.initialConfig, generateSecrets()) });
          const previewed = errorsOf(await stack.preview()).join("\n");
          const titles: string[] = [];
          const progress = (async (...steps: Step<unknown>[]) => {
            titles.push(...steps.map((step) => step.title));
            return silent(...steps);
          }) as Progress;
          await assert.rejects(rehearse({ project, progress }), ({ name, message }: Error) => {
            assert.equal(name, "RehearsalError");
            assert.match(message, /^\d+ faults? in the settings of stack test:\n/);
            assert.deepEqual(
              [...message.matchAll(/^ {2}(\S+): /gm)].map(([, key]) => key),
              keys,
              message,
            );
            assert.ok(previewed.includes(message), `${previewed}\n\n${message}`);
            return true;
          });
          assert.deepEqual(titles, ["find or build the tools"]);
        } finally {
          await rm(workDir, { recursive: true, force: true });
        }
      });
    });
  }
});
