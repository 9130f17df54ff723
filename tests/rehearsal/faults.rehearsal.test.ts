/** The report on stacks that must fail, and that it comes soon, not after Helm's timeout. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import type { StackConfig } from "../../rehearsal/engine/stack.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { simulatedNodes, type SimulatedNode } from "../../rehearsal/cluster/nodes.ts";
import { freePorts } from "../../rehearsal/cluster/ports.ts";
import { rehearseOn, type RehearsalResult } from "../../rehearsal/rehearse.ts";
import { standInChart } from "../../rehearsal/stage.ts";
import { assertOk, errorsOf, rehearse, releases, withProgramWithout, withRehearsal } from "./support.ts";

/** Far below Helm's timeout of half an hour, and enough for a busy machine. */
const limit = { timeout: 480_000 };

const stopped = "up would never have finished and was stopped";

/** The problems of a rehearsal whose `up` would never have finished. */
function problemsOfStuck(result: RehearsalResult): string[] {
  assert.deepEqual(outcomes(result), ["up stopped"]);
  assert.equal(result.verdict.ok, false);
  assert.equal(result.verdict.problems.at(-1), stopped);
  return result.verdict.problems.slice(0, -1);
}

/** The error with which the only `up` of a rehearsal has failed. */
function faultOf(result: RehearsalResult): string {
  assert.deepEqual(outcomes(result), ["up failed"]);
  assert.equal(result.verdict.ok, false);
  const [problem = "", ...others] = result.verdict.problems;
  assert.deepEqual(others, []);
  return problem;
}

function outcomes({ record }: RehearsalResult): string[] {
  return record.operations.map(({ name, outcome }) => `${name} ${outcome}`);
}

/** The explanation before the scheduler's own message, which must follow. */
function inPlainWords(problem: string): string {
  const [plain = "", scheduler] = problem.split(' (scheduler: "');
  assert.match(scheduler ?? "", /^\d+\/\d+ nodes are available: /);
  return plain;
}

const noToleration = "no toleration for the taint dedicated=pulsar:NoSchedule on all 3 nodes";

test(
  "init Jobs without toleration because of a missing patch, and chart values with too many bookies and without tolerations",
  limit,
  async () => {
    const taken = { "model/charts/line27/patches.ts": ["  initJobPlacement(objects);\n"] };
    const plain = {
      "pulsar:values.bookkeeper.replicaCount": "4",
      "pulsar:values.proxy.tolerations[0].key": "another",
      "pulsar:values.proxy.tolerations[0].operator": "Exists",
    };
    const problems = problemsOfStuck(
      await withProgramWithout(taken, (project) => rehearse({ project, config: { plain } })),
    );
    assert.equal(problems.pop(), "not as planned: bookkeeper: 4 pods; planned: 3");
    // The name of a Job ends in the hash of its template, that of its pod in random letters.
    const plainWords = problems.map((problem) => inPlainWords(problem).replace(/-init-\w+-\w+ /, "-init "));
    assert.deepEqual(plainWords, [
      "pulsar-bookie-3 cannot be placed: no volume for its claims pulsar-bookie-journal-pulsar-bookie-3 and pulsar-bookie-ledgers-pulsar-bookie-3",
      `pulsar-bookie-init cannot be placed: ${noToleration}`,
      ...[0, 1, 2].map((i) => `pulsar-proxy-${i} cannot be placed: ${noToleration}`),
      `pulsar-pulsar-init cannot be placed: ${noToleration}`,
    ]);
  },
);

test("pods with larger requests than any of their nodes can hold", limit, async () => {
  const config = { plain: { "pulsar:pods.broker.requests.cpu": "20" } };
  const problems = problemsOfStuck(await rehearse({ stack: "prod", config })).map((problem) => inPlainWords(problem));
  assert.deepEqual(
    problems.map((problem) => problem.split(" ", 1)[0]),
    ["pulsar-broker-0", "pulsar-broker-1", "pulsar-broker-2"],
  );
  // Each problem has the shortage on the nodes where the pod may run, and on no others.
  for (const problem of problems) {
    assert.match(problem, /sv-\d (is|are each) short of [\d.]+ CPU \(requested 20, free [\d.]+ of 16\)/);
    assert.doesNotMatch(problem, /(bk|zk)-\d is short/);
  }
});

test("more bookies than nodes are refused before anything is started", async () => {
  await assert.rejects(rehearse({ config: { plain: { "pulsar:replicas.bookkeeper": "4" } } }), (fault: unknown) => {
    assert.ok(fault instanceof RehearsalError);
    assert.match(
      fault.message,
      /pulsar:replicas\.bookkeeper: 4 exceeds the number of nodes \(3\), and each node runs one at most; use 3 or less/,
    );
    return true;
  });
});

test("a chart of another version is refused before anything is started", async () => {
  const chart = standInChart("4.7.0");
  await assert.rejects(rehearse({ chart, config: { plain: { "pulsar:chart.version": "2.7.7" } } }), {
    name: "RehearsalError",
    message: new RegExp(`^1 fault .*\\n.*${chart} is a chart of version 4\\.7\\.0; use a chart of version 2\\.7\\.7 `),
  });
});

test("a chart value that duplicates a setting is refused before anything is started", async () => {
  const plain = { "pulsar:values.images.proxy.repository": "docker.io/a/pulsar" };
  await assert.rejects(rehearse({ config: { plain } }), (fault: unknown) => {
    assert.ok(fault instanceof RehearsalError);
    assert.match(
      fault.message,
      /pulsar:values\.images\.proxy\.repository: "docker\.io\/a\/pulsar" is not allowed; use pulsar:images/,
    );
    return true;
  });
});

test("a cluster and a database that differ from the stack's settings", limit, async (t) => {
  const nodes = (planned: SimulatedNode[]) => planned.slice(0, 2);
  await withRehearsal({ nodes }, async (stage) => {
    const { core } = stage.api;
    const faultWith = async (config: StackConfig) => {
      await stage.stack.configure(config);
      const result = await rehearseOn(stage);
      assert.deepEqual(await releases(stage), []);
      for (const secret of Object.values(config.secret ?? {})) assert.ok(!result.report.includes(secret));
      return faultOf(result);
    };

    await t.test("a hostname label and a directory that contradict the settings, at preview and at up", async () => {
      const labeled = async (hostname: string) => {
        const body = { metadata: { labels: { "kubernetes.io/hostname": hostname } } };
        await core.patchNode({ name: "node2", body }, setHeaderOptions("Content-Type", PatchStrategy.MergePatch));
      };
      const name = "theirs";
      const nodeAffinity = {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: ["node1"] }] },
          ],
        },
      };
      await labeled("host2");
      await stage.api.objects.create({
        apiVersion: "v1",
        kind: "PersistentVolume",
        metadata: { name, annotations: { "pulsar-stack/owner": "organization/pulsar/other" } },
        spec: {
          capacity: { storage: "1Gi" },
          accessModes: ["ReadWriteOnce"],
          local: { path: "/home/pulsar/data/bookie-data" },
          nodeAffinity,
        },
      });
      const before = await core.readNode({ name: "node1" });
      const taken = (volume: string) =>
        `  - pulsar:volumes.dataDirectory: bookie-0 would have its bookie-${volume} in /home/pulsar/data/bookie-data/${volume} on node1, ` +
        `where PersistentVolume ${name} (stack organization/pulsar/other, no claim) has /home/pulsar/data/bookie-data; set another directory`;
      const lines = [
        'the volumes cannot be created in the cluster of context "rehearsal":',
        "  - pulsar:nodes[1].hostname: the settings say node2, but node node2 has the label kubernetes.io/hostname=host2, and no volume " +
          "would bind there; set hostname: host2",
        taken("journal"),
        taken("ledgers"),
        "Nothing was changed.",
      ];
      for (const outcome of [await stage.stack.preview(), await stage.stack.up()]) {
        assert.equal(outcome.ok, false);
        assert.ok(
          errorsOf(outcome).some((error) => error.includes(lines.join("\n"))),
          outcome.text,
        );
        assert.doesNotMatch(outcome.text, /\n\s+at /, "a stack trace");
      }
      const { metadata, spec } = await core.readNode({ name: "node1" });
      assert.deepEqual([metadata?.labels, spec?.taints], [before.metadata?.labels, before.spec?.taints]);
      const volumes = (await core.listPersistentVolume()).items.map((volume) => volume.metadata?.name);
      assert.deepEqual(
        volumes.filter((volume) => volume?.startsWith("pulsar-")),
        [],
      );

      await labeled("node2");
      await core.deletePersistentVolume({ name });
    });

    await t.test("a missing node is reported with the existing ones", async () => {
      const fault = await faultWith({ plain: { "pulsar:managerDatabase.deleteData": "true" } });
      assert.equal(
        fault,
        'up failed: node "node3": does not exist in the cluster of context "rehearsal"; set one of its nodes: node1, node2',
      );
      // The manager's role may exist already. Nothing else starts without the node.
      assertOk(await stage.stack.destroy());
    });
    await stage.cluster.addNodes(simulatedNodes({ ...stage.settings, nodes: stage.settings.nodes.slice(2) }));

    await t.test("a database server that cannot be reached", async () => {
      const [port = 0] = await freePorts(1);
      const fault = await faultWith({ plain: { "pulsar:managerDatabase.port": String(port) } });
      const server = `127.0.0.1:${port} (database postgres, user postgres)`;
      assert.equal(
        fault,
        `up failed: cannot reach PostgreSQL at ${server}: connection refused; check the server, the network and pulsar:managerDatabase`,
      );
    });

    await t.test("a wrong password of the server's administrator", async () => {
      const fault = await faultWith({
        plain: { "pulsar:managerDatabase.port": String(stage.postgres.port) },
        secret: { "pulsar:managerDatabaseAdminPassword": "not-the-password" },
      });
      const server = `127.0.0.1:${stage.postgres.port} (database postgres)`;
      assert.match(fault, /^up failed: [^\n]*$/);
      // The engine adds the name of the hook, if a hook connected first.
      assert.ok(
        fault.endsWith(
          `PostgreSQL at ${server} refused the password of user postgres, or there is no such user; check pulsar:managerDatabase and its passwords`,
        ),
        fault,
      );
    });

    await t.test("a namespace of another owner with the same name is not changed", async () => {
      const theirs = { namespace: "somebody-elses" };
      const look = async () => ({
        namespace: await stage.api.core.readNamespace({ name: theirs.namespace }),
        secrets: (await stage.api.core.listNamespacedSecret(theirs)).items,
        account: await stage.api.core.readNamespacedServiceAccount({ name: "default", ...theirs }),
      });
      const before = await look();
      // The contract records the places of the created resources. Another namespace is another cluster.
      assertOk(await stage.stack.destroy());
      const fault = await faultWith({
        plain: { "pulsar:namespace": theirs.namespace },
        secret: { "pulsar:managerDatabaseAdminPassword": stage.postgres.password },
      });
      const reason =
        "Namespace somebody-elses already exists and is not this stack's (organization/pulsar/test): its owner is not known; " +
        "delete it, set another name, or set the stack to use the existing one";
      // The engine adds the name of the hook.
      assert.match(fault, /^up failed: [^\n]*$/);
      assert.ok(fault.endsWith(reason), fault);
      assert.deepEqual(await look(), before);
    });

    await t.test("a wrong password of the manager's role, which exists already", async () => {
      assertOk(await stage.stack.destroy());
      const fault = await faultWith({
        plain: { "pulsar:namespace": "pulsar", "pulsar:managerDatabase.create": "false" },
        secret: { "pulsar:managerDatabasePassword": "not-the-password" },
      });
      const server = `127.0.0.1:${stage.postgres.port} (database pulsar_manager)`;
      assert.equal(
        fault,
        `up failed: PostgreSQL at ${server} refused the password of user pulsar_manager, or there is no such user; check pulsar:managerDatabase and its passwords`,
      );
    });
  });
});
