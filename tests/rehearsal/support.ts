/** Helpers for the tests of whole stacks. */
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { Client } from "pg";
import type { Outcome } from "../../rehearsal/engine/stack.ts";
import type { Progress, Log } from "../../rehearsal/cli/progress.ts";
import { rehearse as rehearseOwn, remove, type RehearsalResult } from "../../rehearsal/rehearse.ts";
import type { RehearsalRecord } from "../../rehearsal/report/record.ts";
import { verdict } from "../../rehearsal/report/report.ts";
import { withRehearsal as withOwnRehearsal, type RehearsalOptions, type Stage } from "../../rehearsal/stage.ts";
import { prepareTools } from "../../rehearsal/tools/tools.ts";
import { fixtures } from "../support/stackFile.ts";

const root = resolve(import.meta.dirname, "../..");

/** Adds the folder of the tests' stack files, unless the program has its own. */
function withFixtures(options: RehearsalOptions): RehearsalOptions {
  return options.project === undefined ? { stackFiles: fileURLToPath(fixtures), ...options } : options;
}

/**
 * Sets up a stage for a stack of the tests. It does not depend on the committed stack files, which users change. As in `npm run rehearse`, the engine
 * saves the state once, at the end; a test that kills a command must set `skipCheckpoints: false`.
 */
export function withRehearsal<T>(options: RehearsalOptions, use: (stage: Stage) => Promise<T>): Promise<T> {
  return withOwnRehearsal({ skipCheckpoints: true, ...withFixtures(options) }, use);
}

/** Rehearses a stack of the tests. */
export function rehearse(options: RehearsalOptions = {}): Promise<RehearsalResult> {
  return rehearseOwn({ skipCheckpoints: true, ...withFixtures(options) });
}

/** The rest of a rehearsal that has kept its stack: destroys it, and checks what is left. */
export async function assertDestroyed(stage: Stage, record: RehearsalRecord): Promise<void> {
  await remove(stage, record);
  assert.deepEqual(verdict(record), { ok: true, problems: [] });
}

/** Records everything that the engine and the rehearsal print. */
export function listener(): { said: string[]; tell: Log; progress: Progress } {
  const said: string[] = [];
  const tell: Log = (line) => void said.push(line);
  const progress = (async (...steps: { work: (tell: Log) => unknown }[]) =>
    Promise.all(steps.map(({ work }) => work(tell)))) as Progress;
  return { said, tell, progress };
}

/** The output of helm in the stack's namespace. */
export async function helm({ cluster, settings, workspace }: Stage, ...args: string[]): Promise<string> {
  const { tools } = await prepareTools({ log: () => undefined, signal: workspace.signal });
  const access = ["--kubeconfig", cluster.kubeconfig, "--namespace", settings.namespace];
  return (await execa(tools.helm, [...args, ...access])).stdout;
}

/** The releases in the stack's namespace with any status, each as `name revision status`. */
export async function releases(stage: Stage): Promise<string[]> {
  const listed = JSON.parse(await helm(stage, "list", "--all", "--output", "json")) as Record<string, string>[];
  return listed.map(({ name, revision, status }) => [name, revision, status].join(" "));
}

/** The rows of a statement in a database of the stage's PostgreSQL. */
export async function query(
  { postgres }: Stage,
  login: { user: string; password: string; database: string },
  sql: string,
): Promise<Record<string, unknown>[]> {
  const client = new Client({ host: postgres.host, port: postgres.port, ...login });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The database account of Pulsar Manager's pods. */
export async function managerLogin({ api, settings }: Stage) {
  const { data } = await api.core.readNamespacedSecret({
    name: "pulsar-manager-database",
    namespace: settings.namespace,
  });
  const [user = "", password = ""] = ["USER", "PASSWORD"].map((key) =>
    Buffer.from(data?.[`PULSAR_MANAGER_ADMIN_${key}`] ?? "", "base64").toString(),
  );
  return { user, password, database: settings.managerDatabase.name };
}

/** The error messages of an operation. */
export function errorsOf(outcome: Outcome): string[] {
  return outcome.diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

/** Fails with the output of the CLI unless the operation is ok. */
export function assertOk(outcome: Outcome): void {
  assert.ok(outcome.ok, outcome.text);
}

/** The steps of an operation or preview as `<step> <logical name>`, sorted. A replacement is a create and a delete. */
export function changed({ text }: Outcome): string[] {
  const steps: Partial<Record<string, string>> = {
    "+": "create",
    "++": "create",
    "~": "update",
    "-": "delete",
    "--": "delete",
  };
  const lines = [...text.matchAll(/^ *([~+-]{1,2}) +\S+:\S+ (\S+) /gm)].flatMap(([, sign = "", name = ""]) => {
    const step = steps[sign];
    return step === undefined ? [] : [`${step} ${name}`];
  });
  return [...new Set(lines)].sort();
}

/** Copies the program with the tests' stack files, removes passages from its sources, and passes the folder of the copy to `use`. */
export async function withProgramWithout<T>(
  passages: Record<string, string[]>,
  use: (project: string) => Promise<T>,
): Promise<T> {
  const project = await mkdtemp(join(tmpdir(), "program-without-"));
  try {
    for (const part of [
      "Pulumi.yaml",
      "package.json",
      "preload.cjs",
      "index.ts",
      "settings",
      "model",
      "policy",
      "components",
      "resources",
    ]) {
      await cp(join(root, part), join(project, part), { recursive: true });
    }
    await cp(fileURLToPath(fixtures), project, { recursive: true });
    await symlink(join(root, "node_modules"), join(project, "node_modules"));
    for (const [file, texts] of Object.entries(passages)) {
      const path = join(project, file);
      for (const text of texts) {
        const source = await readFile(path, "utf8");
        assert.ok(source.includes(text), `${file} no longer has "${text}": remove another passage`);
        await writeFile(path, source.replace(text, ""));
      }
    }
    return await use(project);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
}

/** The Jobs that create the manager's login, and the nodes of their pods. */
export async function managerSetups({ api, settings: { namespace } }: Stage) {
  const labelSelector = "component=manager-setup";
  const { items: jobs } = await api.batch.listNamespacedJob({ namespace, labelSelector });
  const { items: pods } = await api.core.listNamespacedPod({ namespace, labelSelector });
  return jobs.map(({ metadata, status }) => ({
    name: metadata?.name,
    uid: metadata?.uid,
    complete: status?.conditions?.some(({ type, status }) => type === "Complete" && status === "True"),
    nodes: pods
      .filter(({ metadata: pod }) => pod?.ownerReferences?.some(({ uid }) => uid === metadata?.uid))
      .flatMap(({ spec }) => spec?.nodeName ?? []),
  }));
}
