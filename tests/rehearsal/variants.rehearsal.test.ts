/** The production stack with settings that its file does not use, in one rehearsal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearse, withProgramWithout } from "./support.ts";

const servingNodes = `      nodes:
        - { name: sv-1, zone: a }
        - { name: sv-2, zone: b }
        - { name: sv-3, zone: c }
`;

test(
  "serving on untainted nodes, a database with TLS verification, priority classes, keys of another algorithm",
  { timeout: 480_000 },
  async () => {
    const config = {
      plain: {
        "pulsar:nodeGroups.serving.untainted": "4",
        "pulsar:managerDatabase.tls": "verify-full",
        "pulsar:pods.bookkeeper.priorityClass": "pulsar-data",
        "pulsar:pods.zookeeper.priorityClass": "system-cluster-critical",
        "pulsar:tokens.keys": "ecdsa",
        "pulsar:clients[0].role": "orders",
      },
    };
    await withProgramWithout({ "Pulumi.prod.yaml": [servingNodes] }, async (project) => {
      const { record, verdict } = await rehearse({ stack: "prod", project, config });
      assert.deepEqual(verdict, { ok: true, problems: [] });
      const nodes = new Set(
        record.seen?.pods
          .filter(({ component }) => component === "broker")
          .map(({ node }) => node?.replace(/\d+$/, "")),
      );
      assert.deepEqual(nodes, new Set(["other-"]));
    });
  },
);
