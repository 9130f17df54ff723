/** The production stack with settings that its file does not use, in one rehearsal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rehearseOn } from "../../rehearsal/rehearse.ts";
import { policySettings, testPolicies } from "./policies.ts";
import { assertDestroyed, withProgramWithout, withRehearsal } from "./support.ts";

const servingNodes = `      nodes:
        - { name: sv-1, zone: a }
        - { name: sv-2, zone: b }
        - { name: sv-3, zone: c }
`;

test(
  "serving on untainted nodes, a database with TLS verification, priority classes, keys of another algorithm, network policies, cert-manager, a load balancer",
  { timeout: 480_000 },
  async (t) => {
    const config = {
      plain: {
        "pulsar:nodeGroups.serving.untainted": "4",
        "pulsar:managerDatabase.tls": "verify-full",
        "pulsar:pods.bookkeeper.priorityClass": "pulsar-data",
        "pulsar:pods.zookeeper.priorityClass": "system-cluster-critical",
        "pulsar:tokens.keys": "ecdsa",
        "pulsar:tls.issuer": "cert-manager",
        "pulsar:tls.certManager.issuer": "internal",
        "pulsar:tls.hosts[0]": "pulsar.example.com",
        "pulsar:proxyService.type": "LoadBalancer",
        "pulsar:clients[0].role": "orders",
        ...policySettings,
      },
    };
    await withProgramWithout({ "Pulumi.prod.yaml": [servingNodes] }, async (project) => {
      await withRehearsal({ stack: "prod", project, config }, async (stage) => {
        const { record, verdict } = await rehearseOn(stage, { keep: true });
        assert.deepEqual(verdict, { ok: true, problems: [] });
        const nodes = new Set(
          record.seen?.pods
            .filter(({ component }) => component === "broker")
            .map(({ node }) => node?.replace(/\d+$/, "")),
        );
        assert.deepEqual(nodes, new Set(["other-"]));
        await testPolicies(t, stage);
        await assertDestroyed(stage, record);
      });
    });
  },
);
