import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClusterRef } from "../../../model/clusterRef.ts";
import { checkKubernetes, isOlder } from "../../../resources/kubernetes/kubernetesVersion.ts";
import { asUsers, fakeClusters } from "../../support/fakeClusters.ts";

const need = { chart: "4.7.0", from: "1.25" };

const { absent, answering, nobody } = fakeClusters();

/** A cluster with this version. Without one, it never responds. */
function clusterOf(version?: { major: string; minor: string }) {
  return answering((request, response) => {
    if (version === undefined || !request.url?.startsWith("/version")) return;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...version, gitVersion: `v${version.major}.${version.minor}.0` }));
  });
}

describe("the Kubernetes version of the cluster", () => {
  for (const [command, dryRun] of Object.entries({ up: false, preview: true })) {
    test(`${command}: is accepted if it is new enough`, async () => {
      for (const minor of ["25", "25+", "37"]) {
        const { found } = await checkKubernetes(await clusterOf({ major: "1", minor }), need, { dryRun });
        assert.equal(
          found,
          `context "test" has Kubernetes 1.${Number.parseInt(minor)}; chart 4.7.0 needs 1.25 or newer`,
        );
      }
    });

    test(`${command}: is refused if it is too old, with context, version and minimum in one line`, async () => {
      for (const minor of ["9", "24+"]) {
        await assert.rejects(
          checkKubernetes(await clusterOf({ major: "1", minor }), need, { dryRun }),
          (error: Error) => {
            assert.equal(
              error.message,
              `context "test" has Kubernetes 1.${Number.parseInt(minor)}, but chart 4.7.0 needs 1.25 or newer; ` +
                "use a newer cluster, or another pulsar:chart.version",
            );
            assert.equal(error.stack, error.message);
            return true;
          },
        );
      }
    });
  }

  test("preview: is not checked if the stack names no cluster, whatever the machine's kubeconfig contains", async () => {
    const { kubeconfig } = await clusterOf({ major: "1", minor: "9" });
    await asUsers(kubeconfig, async () => {
      await assertUnasked({}, /the stack sets no kubernetes:context/);
    });
  });

  test("preview: is not checked if the cluster does not respond in time or there is no such context", async () => {
    await assertUnasked(await nobody(), /context "test" cannot be reached: .*/);
    await assertUnasked(await clusterOf(), /context "test" does not answer in time; .*/, { seconds: 0.2 });
    await assertUnasked({ ...(await nobody()), context: "gone" }, /kubeconfig \S+: has no context "gone"; use test/);
    await assertUnasked(absent(), /kubeconfig .*: does not exist; .*/);
  });

  async function assertUnasked(ref: ClusterRef, reason: RegExp, limit = {}): Promise<void> {
    const { found, unasked = "" } = await checkKubernetes(ref, need, { dryRun: true, ...limit });
    assert.equal(found, undefined);
    assert.match(
      unasked,
      new RegExp(`^the cluster was not queried: .*${reason.source}\\. This preview does not show .*$`),
    );
  }

  test("up: an unreachable cluster is an error", async () => {
    await assert.rejects(
      checkKubernetes(await nobody(), need, { dryRun: false }),
      /^Error: the API server .* of context "test" cannot be reached/,
    );
  });
});

test("versions are compared by number", () => {
  assert.deepEqual(
    ["1.9", "1.24", "1.25", "1.100", "2.0"].map((version) => isOlder(version, "1.25")),
    [true, true, false, false, false],
  );
});
