/** Stacks that must not pass: what the rehearsal says of each, and that it says so soon instead of waiting as long as Helm would. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StackConfig } from "../../rehearsal/engine.ts";
import { RehearsalError } from "../../rehearsal/fault.ts";
import { simulatedNodes, type SimulatedNode } from "../../rehearsal/nodes.ts";
import { freePorts } from "../../rehearsal/ports.ts";
import { rehearse, rehearseOn, type RehearsalResult } from "../../rehearsal/rehearse.ts";
import { withRehearsal } from "../../rehearsal/stage.ts";
import { assertOk, releases, withProgramWithout } from "./support.ts";

/** Far below the half hour that Helm would wait, and enough for a machine that has other things to do. */
const limit = { timeout: 480_000 };

const stopped = "up would have waited for ever and was stopped";

/** The problems of a rehearsal that went no further than an `up` which would never have ended. */
function problemsOfStuck(result: RehearsalResult): string[] {
  assert.deepEqual(outcomes(result), ["up stopped"]);
  assert.equal(result.verdict.ok, false);
  assert.equal(result.verdict.problems.at(-1), stopped);
  return result.verdict.problems.slice(0, -1);
}

/** The fault with which the only `up` of a rehearsal has failed. */
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

/** What stands before the scheduler's own words, which are there as well. */
function inPlainWords(problem: string): string {
  const [plain = "", scheduler] = problem.split(' (scheduler: "');
  assert.match(scheduler ?? "", /^\d+\/\d+ nodes are available: /);
  return plain;
}

const noToleration = "no toleration for the taint dedicated=pulsar:NoSchedule that all 3 nodes carry";

test("a repair taken away: init Jobs without toleration", limit, async () => {
  const taken = { "components/charts/line27/repairs.ts": ["  initJobPlacement(objects);\n"] };
  const result = await withProgramWithout(taken, (project) => rehearse({ project }));
  // A Job's name ends in the hash of its template, that of its pod in letters drawn by lot.
  const problems = problemsOfStuck(result).map((problem) => inPlainWords(problem).replace(/-\w+-\w+ /, " "));
  assert.deepEqual(problems, [
    `pulsar-bookie-init cannot be placed: ${noToleration}`,
    `pulsar-pulsar-init cannot be placed: ${noToleration}`,
  ]);
});

test("pods that ask for more than any of their nodes has", limit, async () => {
  const config = { plain: { "pulsar:pods.broker.requests.cpu": "20" } };
  const problems = problemsOfStuck(await rehearse({ stack: "prod", config })).map((problem) => inPlainWords(problem));
  assert.deepEqual(
    problems.map((problem) => problem.split(" ", 1)[0]),
    ["pulsar-broker-0", "pulsar-broker-1", "pulsar-broker-2"],
  );
  // Each tells of the nodes it may run on, and of no other, how much is missing there.
  for (const problem of problems) {
    assert.match(problem, /sv-\d (is|are each) short of [\d.]+ CPU \(asked 20, free [\d.]+ of 16\)/);
    assert.doesNotMatch(problem, /(bk|zk)-\d is short/);
  }
});

test("volumes pinned to a node that is not there", limit, async () => {
  const config = { plain: { "pulsar:nodes[2].hostname": "elsewhere", "pulsar:volumes.createDirectories": "false" } };
  const nodes = (planned: SimulatedNode[]) => planned.map((node) => withHostname(node, node.metadata.name));
  const pinned = (claim: string) =>
    `its volume pulsar-${claim} is pinned to kubernetes.io/hostname=elsewhere, which no node has`;
  assert.deepEqual(problemsOfStuck(await rehearse({ config, nodes })).map(inPlainWords), [
    `pulsar-bookie-2 cannot be placed: ${pinned("bookie-journal-pulsar-bookie-2")}, ${pinned("bookie-ledgers-pulsar-bookie-2")}`,
    `pulsar-zookeeper-2 cannot be placed: ${pinned("zookeeper-data-pulsar-zookeeper-2")}`,
  ]);
});

test("more bookies than nodes are refused before anything is started", async () => {
  await assert.rejects(rehearse({ config: { plain: { "pulsar:replicas.bookkeeper": "4" } } }), (fault: unknown) => {
    assert.ok(fault instanceof RehearsalError);
    assert.match(fault.message, /pulsar:replicas\.bookkeeper: found 4 on 3 nodes; allowed: at most one a node/);
    return true;
  });
});

test("chart values laid over the program's: more bookies than nodes, proxies without toleration", limit, async () => {
  const plain = {
    "pulsar:values.bookkeeper.replicaCount": "4",
    "pulsar:values.proxy.tolerations[0].key": "another",
    "pulsar:values.proxy.tolerations[0].operator": "Exists",
  };
  const result = await rehearse({ config: { plain } });
  assert.deepEqual(
    problemsOfStuck(result).map((problem) => problem.split(' (scheduler: "')[0]),
    [
      "pulsar-bookie-3 cannot be placed: no volume for its claims pulsar-bookie-journal-pulsar-bookie-3 and pulsar-bookie-ledgers-pulsar-bookie-3",
      ...[0, 1, 2].map((i) => `pulsar-proxy-${i} cannot be placed: ${noToleration}`),
      "off plan: bookkeeper: 4 pods; planned: 3",
    ],
  );
});

test("chart values that bring in an image from elsewhere", limit, async () => {
  const result = await rehearse({
    config: { plain: { "pulsar:values.images.proxy.repository": "docker.io/a/pulsar" } },
  });
  assert.ok(result.record.operations.every(({ outcome }) => outcome === "done"));
  assert.deepEqual(
    result.verdict.problems,
    [0, 1, 2].map(
      (i) =>
        `pulsar-proxy-${i} asks for docker.io/a/pulsar:2.7.4, which is not among the stack's images (npm run images)`,
    ),
  );
});

test("a cluster and a database that are not as the stack has them", limit, async (t) => {
  const nodes = (planned: SimulatedNode[]) => planned.slice(0, 2);
  await withRehearsal({ nodes }, async (stage) => {
    const faultWith = async (config: StackConfig) => {
      await stage.stack.configure(config);
      const result = await rehearseOn(stage);
      assert.deepEqual(await releases(stage), []);
      for (const secret of Object.values(config.secret ?? {})) assert.ok(!result.report.includes(secret));
      return faultOf(result);
    };

    await t.test("a node that does not exist is named, with those that do", async () => {
      const fault = await faultWith({});
      assert.equal(
        fault,
        'up failed: node "node3" does not exist in the cluster of context "rehearsal"; it has node1, node2',
      );
    });
    await stage.cluster.addNodes(simulatedNodes({ ...stage.settings, nodes: stage.settings.nodes.slice(2) }));

    await t.test("a database server that cannot be reached", async () => {
      const [port = 0] = await freePorts(1);
      const fault = await faultWith({ plain: { "pulsar:managerDatabase.port": String(port) } });
      const server = `127.0.0.1:${port} (database postgres, user postgres)`;
      assert.equal(fault, `up failed: cannot reach PostgreSQL at ${server}: connection refused`);
    });

    await t.test("a wrong password of the server's administrator", async () => {
      const fault = await faultWith({
        plain: { "pulsar:managerDatabase.port": String(stage.postgres.port) },
        secret: { "pulsar:managerDatabaseAdminPassword": "not-the-password" },
      });
      const server = `127.0.0.1:${stage.postgres.port} (database postgres)`;
      assert.match(fault, /^up failed: [^\n]*$/);
      // The engine puts a hook's name before it, if it was a hook that asked first.
      assert.ok(
        fault.endsWith(`PostgreSQL at ${server} refused the password of user postgres, or there is no such user`),
        fault,
      );
    });

    await t.test("a namespace of that name is somebody else's, and stays as it is", async () => {
      const theirs = { namespace: "somebody-elses" };
      const look = async () => ({
        namespace: await stage.api.core.readNamespace({ name: theirs.namespace }),
        secrets: (await stage.api.core.listNamespacedSecret(theirs)).items,
        account: await stage.api.core.readNamespacedServiceAccount({ name: "default", ...theirs }),
      });
      const before = await look();
      // What was made so far has its place noted down; another namespace is another cluster.
      assertOk(await stage.stack.destroy());
      const fault = await faultWith({
        plain: { "pulsar:namespace": theirs.namespace },
        secret: { "pulsar:managerDatabaseAdminPassword": stage.postgres.password },
      });
      const reason =
        "Namespace somebody-elses already exists and is not this stack's (organization/pulsar/test) but unmarked; " +
        "remove it, rename it in the stack's settings, or set the stack to use the one that is there";
      // The engine puts the hook's name before it.
      assert.match(fault, /^up failed: [^\n]*$/);
      assert.ok(fault.endsWith(reason), fault);
      assert.deepEqual(await look(), before);
    });

    await t.test("a wrong password of the manager's role, which somebody else has made", async () => {
      assertOk(await stage.stack.destroy());
      const fault = await faultWith({
        plain: { "pulsar:namespace": "pulsar", "pulsar:managerDatabase.create": "false" },
        secret: { "pulsar:managerDatabasePassword": "not-the-password" },
      });
      const server = `127.0.0.1:${stage.postgres.port} (database pulsar_manager)`;
      assert.equal(
        fault,
        `up failed: PostgreSQL at ${server} refused the password of user pulsar_manager, or there is no such user`,
      );
    });
  });
});

function withHostname(node: SimulatedNode, hostname: string): SimulatedNode {
  const labels = { ...node.metadata.labels, "kubernetes.io/hostname": hostname };
  return { ...node, metadata: { ...node.metadata, labels } };
}
