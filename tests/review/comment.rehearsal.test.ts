/** The comments for typical changes, each with a golden file. After a wanted change: `UPDATE_GOLDEN=1 node --test` this file, then read the difference. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { evaluate } from "../../policy/evaluate.ts";
import type { PolicySettings } from "../../policy/settings.ts";
import { accepted, renderReview, type Review } from "../../review/comment/comment.ts";
import { type Plan, planOf } from "../../review/planOf.ts";
import { fixtures } from "../support/stackFile.ts";

const folder = fileURLToPath(new URL("../../", import.meta.url));
const goldens = new URL("../golden/review/", import.meta.url);
const stack = "prod";

/** Every secret of the stack files: no comment may contain one. */
const ciphertexts: string[] = [];
function secret(): { secure: string } {
  const secure = `v1:${randomBytes(9).toString("hex")}`;
  ciphertexts.push(secure);
  return { secure };
}

/** Values by their path in the stack file; undefined removes one. */
type Changes = [path: (string | number)[], value: unknown][];

interface Case {
  changes: Changes;
  /** The comment is not about the base alone. */
  more?: Partial<Review>;
  accepted?: boolean;
}

const secrets: Changes = ["managerPassword", "managerDatabasePassword", "managerDatabaseAdminPassword"].map((key) => [
  [`pulsar:${key}`],
  secret(),
]);

const openNetwork: Changes = [[["pulsar:networkPolicies"], { enabled: false }]];

const cases: Record<string, Case> = {
  "nothing changes": { changes: [], more: { rehearsal: { ok: true, problems: [] } } },
  "a bookie is added": {
    changes: [[["pulsar:nodeGroups", "bookkeeper", "nodes", 4], { name: "bk-5", zone: "b" }]],
    more: { behind: 2, rehearsal: { ok: true, problems: [] } },
  },
  "another image": { changes: [[["pulsar:images", "pulsar"], "apachepulsar/pulsar-all:2.7.5"]] },
  "a value of one ConfigMap": {
    changes: [[["pulsar:values"], { broker: { configData: { backlogQuotaDefaultLimitGB: "20" } } }]],
  },
  "a rotated key": { changes: [[["pulsar:tokens"], { generation: 2 }]] },
  tenants: { changes: [[["pulsar:tenants"], [{ name: "shop", namespaces: [{ name: "orders" }] }]]] },
  "a refused change": {
    changes: [
      [["pulsar:nodeGroups", "bookkeeper", "nodes"], [{ name: "bk-1", zone: "a" }]],
      [["pulsar:layout"], "spread"],
    ],
    accepted: false,
  },
  "a moved bookie": {
    changes: [[["pulsar:nodeGroups", "bookkeeper", "nodes", 0], { name: "bk-9", zone: "a" }]],
    accepted: false,
  },
  "a failing preview": {
    changes: [[["pulsar:images", "manager"], "apachepulsar/pulsar-manager:v0.4.0"]],
    more: {
      preview: { text: "error: the backend is locked", failed: true },
      rehearsal: { ok: false, problems: ["pod pulsar-broker-0 waits"] },
    },
    accepted: false,
  },
  "another chart version": {
    changes: [
      [["pulsar:chart", "version"], "4.7.0"],
      [["pulsar:images"], { pullSecret: "regsecret" }],
    ],
    accepted: false,
  },
  "a violated policy": { changes: openNetwork, accepted: false },
  "a waived policy": {
    changes: [
      ...openNetwork,
      [
        ["pulsar:policyWaivers"],
        [{ rule: "network-policies", reason: "The network plugin enforces none.", expires: "2027-06-30" }],
      ],
    ],
  },
};

describe("the comment on", () => {
  let scratch = "";
  let base: Plan;
  before(async () => {
    scratch = await mkdtemp(join(tmpdir(), "review-"));
    base = await planned([]);
  });
  after(() => rm(scratch, { recursive: true, force: true }));

  async function planned(changes: Changes): Promise<Plan> {
    const document = parseDocument(readFileSync(new URL(`Pulumi.${stack}.yaml`, fixtures), "utf8"));
    for (const [path, value] of [...secrets, ...changes])
      document.setIn(["config", ...path], document.createNode(value));
    const stackFiles = await mkdtemp(join(scratch, "files-"));
    await writeFile(join(stackFiles, `Pulumi.${stack}.yaml`), document.toString());
    const plan = await planOf({ folder, stack, stackFiles, standIn: true });
    // The golden files do not depend on the bytes of the stand-in.
    return "refused" in plan ? plan : { ...plan, chart: { ...plan.chart, digest: "0".repeat(64) } };
  }

  for (const [title, { changes, more, accepted: expected = true }] of Object.entries(cases)) {
    it(title, async () => {
      const plan = await planned(changes);
      const policies =
        "refused" in plan
          ? undefined
          : evaluate(plan, plan.outputs["policies"] as PolicySettings, new Date("2026-12-01"));
      const review: Review = {
        stack,
        base: { commit: "b".repeat(40), plan: base },
        head: { commit: "a".repeat(40), plan },
        behind: 0,
        uncommitted: [],
        policies,
        ...more,
      };
      const text = renderReview({ ...review, digest: accepted(review) ? "v1:0000" : undefined });
      const file = new URL(`${title.replaceAll(" ", "-")}.md`, goldens);
      if (process.env["UPDATE_GOLDEN"] || !existsSync(file)) writeFileSync(file, text);
      assert.equal(text, readFileSync(file, "utf8"));
      assert.equal(accepted(review), expected);
      for (const hidden of ciphertexts) assert.ok(!text.includes(hidden.slice(3)));
      assert.doesNotMatch(text, /placeholder|eyJ[\w-]+\.|PRIVATE KEY/);
    });
  }
});
