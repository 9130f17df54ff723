import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkKubernetes, isOlder, previewKubernetes } from "../../../components/resources/kubernetesVersion.ts";
import { asUsers, fakeClusters } from "../../support/fakeClusters.ts";

const need = { chart: "4.7.0", from: "1.25" };

const { absent, answering, nobody } = fakeClusters();

/** A cluster of this version; without one, a cluster that never answers. */
function clusterOf(version?: { major: string; minor: string }) {
  return answering((request, response) => {
    if (version === undefined || !request.url?.startsWith("/version")) return;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ ...version, gitVersion: `v${version.major}.${version.minor}.0` }));
  });
}

describe("the cluster's version of Kubernetes", () => {
  const check = { up: checkKubernetes, preview: previewKubernetes };

  for (const [command, look] of Object.entries(check)) {
    test(`${command}: is told where it is new enough`, async () => {
      for (const minor of ["25", "25+", "37"]) {
        const found = await look(await clusterOf({ major: "1", minor }), need);
        assert.equal(
          found,
          `context "test" has Kubernetes 1.${Number.parseInt(minor)}; chart 4.7.0 needs 1.25 or newer`,
        );
      }
    });

    test(`${command}: is refused where it is too old, with context, version and need in one line`, async () => {
      for (const minor of ["9", "24+"]) {
        await assert.rejects(look(await clusterOf({ major: "1", minor }), need), (error: Error) => {
          assert.equal(
            error.message,
            `context "test" has Kubernetes 1.${Number.parseInt(minor)}, but chart 4.7.0 needs 1.25 or newer: ` +
              "use a newer cluster, or another pulsar:chart.version",
          );
          assert.equal(error.stack, error.message);
          return true;
        });
      }
    });
  }

  test("preview: is not asked for where the stack names no cluster, whatever this machine's kubeconfig says", async () => {
    const { kubeconfig } = await clusterOf({ major: "1", minor: "9" });
    await asUsers(kubeconfig, async () => {
      assert.equal(await previewKubernetes({}, need), undefined);
    });
  });

  test("preview: is left alone where nobody answers, where nobody answers in time, or where there is no such context", async () => {
    assert.equal(await previewKubernetes(await nobody(), need), undefined);
    assert.equal(await previewKubernetes(await clusterOf(), need, 0.2), undefined);
    assert.equal(await previewKubernetes({ ...(await nobody()), context: "gone" }, need), undefined);
    assert.equal(await previewKubernetes(absent(), need), undefined);
  });

  test("up: a cluster that cannot be asked is a fault", async () => {
    await assert.rejects(
      checkKubernetes(await nobody(), need),
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
