/** The policies on everything that the stacks of the tests deploy with each chart, and their export on a real API server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as k8s from "@kubernetes/client-node";
import { parseAllDocuments, parseDocument } from "yaml";
import { admissionFile } from "../../policy/admission.ts";
import { evaluate, violationText } from "../../policy/evaluate.ts";
import { objectsOf, type PolicyObject, type RuleName, rules } from "../../policy/rules.ts";
import type { PolicySettings } from "../../policy/settings.ts";
import { startCluster } from "../../rehearsal/cluster/controlPlane.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { openWorkspace } from "../../rehearsal/engine/workspace.ts";
import { prepareTools } from "../../rehearsal/tools/tools.ts";
import { ownerAnnotation } from "../../resources/kubernetes/ownership.ts";
import type { StackPlan } from "../../review/plan.ts";
import { planOf } from "../../review/planOf.ts";
import { fixtures } from "../support/stackFile.ts";
import { violating } from "./violations.ts";

const now = new Date("2026-06-01T12:00:00Z");
const folder = fileURLToPath(new URL("../../", import.meta.url));
const workspace = await openWorkspace();
after(() => workspace.close());
const { tools } = await prepareTools({ log: () => undefined, signal: workspace.signal });
const starting = startCluster({ tools, workspace });

async function planned(stack: string, version: string): Promise<StackPlan> {
  const stackFiles = await mkdtemp(join(tmpdir(), "stack-files-"));
  try {
    const file = parseDocument(await readFile(new URL(`Pulumi.${stack}.yaml`, fixtures), "utf8"));
    file.setIn(["config", "pulsar:chart", "version"], version);
    await writeFile(join(stackFiles, `Pulumi.${stack}.yaml`), file.toString());
    const plan = await planOf({ folder, stack, stackFiles, standIn: true });
    assert.ok(!("refused" in plan), JSON.stringify(plan));
    // Names that a preview does not know, in a form that the API server accepts.
    return JSON.parse(JSON.stringify(plan).replaceAll("[unknown]", "unknown")) as StackPlan;
  } finally {
    await rm(stackFiles, { recursive: true });
  }
}

const stacks = ["test", "prod"].flatMap((stack) => ["2.7.7", "4.7.0"].map((version) => ({ stack, version })));
const plans = new Map<string, StackPlan>();
for (const { stack, version } of stacks) plans.set(`${stack} ${version}`, await planned(stack, version));

const settingsOf = ({ outputs }: StackPlan) => outputs["policies"] as PolicySettings;

for (const [title, plan] of plans) {
  describe(`stack and chart ${title}`, () => {
    const { production } = settingsOf(plan);

    test("violates no policy", () => {
      const { violations, waiverFaults } = evaluate(plan, settingsOf(plan), now);
      assert.deepEqual([violations.map(violationText), waiverFaults], [[], []]);
    });

    for (const { rule, what, change } of violating) {
      const { where } = rules.find(({ name }) => name === rule) ?? {};
      const applies = production || where === "everywhere";
      test(`${rule}: ${what} ${applies ? "is found" : "is an option here"}`, () => {
        const changed = structuredClone(plan);
        change(changed);
        const found = evaluate(changed, settingsOf(plan), now).violations;
        assert.deepEqual([...new Set(found.map((violation) => violation.rule))], applies ? [rule] : []);
      });
    }
  });
}

test("each rule has a violation", () => {
  assert.deepEqual([...new Set(violating.map(({ rule }) => rule))].sort(), rules.map(({ name }) => name).sort());
});

const cluster = await starting;
let warning = "";
const config = new k8s.KubeConfig();
config.loadFromFile(cluster.kubeconfig);
const api = new k8s.KubernetesObjectApi(
  k8s.createConfiguration({
    baseServer: new k8s.ServerConfiguration(config.getCurrentCluster()?.server ?? "", {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: (context) => Promise.resolve(context),
        post: (context) => {
          warning = context.headers["warning"] ?? "";
          return Promise.resolve(context);
        },
      },
    ],
  }),
);

/** The answer of the API server to the creation of an object, which it does not keep. */
async function answer(object: PolicyObject): Promise<{ refusal: string; warning: string }> {
  warning = "";
  // The values of Secrets are not known here.
  const data = object.kind === "Secret" ? { data: { ".dockerconfigjson": "e30=" } } : {};
  try {
    await api.create({ ...structuredClone(object), ...data }, undefined, "All");
  } catch (error) {
    if (!(error instanceof k8s.ApiException)) throw error;
    return { refusal: (JSON.parse(String(error.body)) as { message: string }).message, warning };
  }
  return { refusal: "", warning };
}

/** The API server uses a policy, and forgets it, within a few seconds. */
async function answered(object: PolicyObject, check: (given: Awaited<ReturnType<typeof answer>>) => void) {
  const right = async () => {
    check(await answer(object));
    return true;
  };
  await waitFor(right, { what: `the right answer to ${object.kind}/${object.metadata.name}`, limit: 10_000 });
}

/** Creates the objects of a file, for the time of the test. */
async function applied(file: string, use: () => Promise<void>): Promise<void> {
  const objects = parseAllDocuments(file).map((document) => document.toJS() as k8s.KubernetesObject);
  for (const object of objects) await api.create(object);
  try {
    await use();
  } finally {
    for (const object of objects) await api.delete(object);
  }
}

const fileOf = (plan: StackPlan, waivers: PolicySettings["waivers"] = []) =>
  admissionFile(
    plan.stack,
    { ...settingsOf(plan), waivers },
    { annotation: ownerAnnotation, suffix: `/pulsar/${plan.stack}` },
    now,
  );

describe("the exported policies on an API server", () => {
  before(async () => {
    await api.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "pulsar" } });
  });

  // The levels alternate, so that no policy is mistaken for the one before, which the API server forgets a little later.
  for (const { stack, version } of stacks.toSorted((a, b) => a.version.localeCompare(b.version))) {
    const plan = plans.get(`${stack} ${version}`);
    assert.ok(plan);
    const { production } = settingsOf(plan);

    test(`${stack} ${version}: ${production ? "refuse" : "warn of"} each violation, and admit what the stack deploys`, async () => {
      await applied(fileOf(plan), async () => {
        for (const { rule, what, change } of violating) {
          const object = change(structuredClone(plan));
          const { description = "", where } = rules.find(({ name }) => name === rule) ?? {};
          if (object === undefined || (where === "production" && !production)) continue;
          await answered(object, ({ refusal, warning }) => {
            const [text, rest] = production ? [refusal, warning] : [warning, refusal];
            assert.doesNotMatch(rest, /ValidatingAdmissionPolicy/);
            assert.deepEqual(text.match(/(?<=ValidatingAdmissionPolicy ')[^']+/g), [`pulsar-${rule}`], what);
            assert.ok(text.includes(`${rule}: ${description}`), text);
          });
        }

        const other: string[] = [];
        const own = [...plan.objects, ...objectsOf(plan.resources)];
        assert.ok(own.length > 50);
        for (const object of own) {
          const { refusal, warning } = await answer(object);
          if (refusal.replace(/^.* already exists$/, "") + warning !== "")
            other.push(`${object.kind}/${object.metadata.name}: ${refusal}${warning}`);
        }
        assert.equal(other.join("\n"), "");
      });
    });
  }

  test("leave alone what is waived, controlled or not the stack's, and give the type checker no reason to warn", async () => {
    const plan = plans.get("prod 2.7.7");
    assert.ok(plan);
    const violation = (rule: RuleName, what: string): PolicyObject => {
      const object = violating.find((one) => one.rule === rule && one.what === what)?.change(structuredClone(plan));
      assert.ok(object, what);
      return object;
    };
    const reason = "waits for the next release";
    const waivers: PolicySettings["waivers"] = [
      { rule: "images-pinned", object: "StatefulSet/pulsar-broker", reason, expires: "2026-06-01" },
      { rule: "requests-set", reason, expires: "2026-06-01" },
    ];
    const named = { name: "loose", namespace: "pulsar" };
    const loose = (metadata: object, image = "busybox"): PolicyObject => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...named, ...metadata },
      spec: { containers: [{ name: "main", image }] },
    });
    const owner = { apiVersion: "batch/v1", kind: "Job", name: "other", uid: "1", controller: true };
    const elsewhere = violation("images-from-registry", "another registry");
    const foreign = violation("volumes-retained", "a volume");

    await applied(fileOf(plan, waivers), async () => {
      const admitted = [
        violation("images-pinned", "no tag"),
        violation("requests-set", "nothing"),
        { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: "default" } },
        { ...foreign, metadata: { name: "disk", annotations: { [ownerAnnotation]: "organization/pulsar/other" } } },
        loose({ ownerReferences: [owner] }),
        loose({ labels: { component: "function" } }, "harbor.example.com/library/pulsar:1"),
      ];
      for (const object of admitted)
        await answered(object, (given) => {
          assert.deepEqual(given, { refusal: "", warning: "" }, JSON.stringify(object));
        });
      const refused = [violation("images-pinned", "latest"), violation("volumes-retained", "a volume"), loose({})];
      for (const object of refused)
        await answered(object, ({ refusal }) => {
          assert.match(refusal, /ValidatingAdmissionPolicy/);
        });

      for (const { name } of rules.filter(
        (rule) => rule.name !== "volumes-protected" && rule.name !== "network-policies",
      )) {
        const warnings = await waitFor(
          async () => {
            const { status } = await api.read<k8s.V1ValidatingAdmissionPolicy>({
              apiVersion: "admissionregistration.k8s.io/v1",
              kind: "ValidatingAdmissionPolicy",
              metadata: { name: `pulsar-${name}` },
            });
            return status?.typeChecking && (status.typeChecking.expressionWarnings ?? []);
          },
          { what: `the type check of ${name}`, limit: 30_000 },
        );
        assert.deepEqual(warnings, []);
      }
    });
  });
});
