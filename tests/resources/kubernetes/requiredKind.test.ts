import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { certificateKind, checkKind, podMonitorKind } from "../../../resources/kubernetes/requiredKind.ts";
import { asUsers, fakeClusters } from "../../support/fakeClusters.ts";

const { answering, nobody } = fakeClusters();
const up = { dryRun: false };

/** A cluster with these kinds of the group. Without any, it does not have the group. With another status, it returns that. */
function clusterOf(kinds: string[], status = kinds.length > 0 ? 200 : 404) {
  return answering(({ url }, response) => {
    response.statusCode = url === "/apis/monitoring.coreos.com/v1" ? status : 500;
    response.setHeader("content-type", "application/json");
    const resources = kinds.map((kind) => ({ kind, name: `${kind.toLowerCase()}s`, namespaced: true, verbs: ["get"] }));
    response.end(JSON.stringify({ groupVersion: "monitoring.coreos.com/v1", resources, message: "so it is" }));
  });
}

describe("a required kind", () => {
  for (const [command, dryRun] of Object.entries({ up: false, preview: true })) {
    test(`${command}: is accepted if the cluster has it`, async () => {
      await checkKind(await clusterOf(["ServiceMonitor", "PodMonitor"]), podMonitorKind, { dryRun });
    });

    test(`${command}: is refused if the cluster lacks it or its group, with the setting that requires it`, async () => {
      for (const kinds of [[], ["ServiceMonitor"]]) {
        await assert.rejects(checkKind(await clusterOf(kinds), podMonitorKind, { dryRun }), (error: Error) => {
          assert.equal(
            error.message,
            'context "test" does not have the kind PodMonitor (monitoring.coreos.com/v1), which pulsar:monitoring.podMonitors requires; install ' +
              "the Prometheus operator's CustomResourceDefinitions first, or set pulsar:monitoring.podMonitors to false",
          );
          assert.equal(error.stack, error.message);
          return true;
        });
      }
    });
  }

  test("Certificate is refused with the setting that requires it", async () => {
    await assert.rejects(checkKind(await clusterOf([]), { ...certificateKind, group: "monitoring.coreos.com" }, up), {
      message:
        'context "test" does not have the kind Certificate (monitoring.coreos.com/v1), which pulsar:tls.issuer requires; ' +
        "install cert-manager first, or set pulsar:tls.issuer to stack",
    });
  });

  test("up: an unreachable cluster, or one that returns an error, is an error of its own", async () => {
    await assert.rejects(checkKind(await nobody(), podMonitorKind, up), /^Error: the API server .* cannot be reached/);
    await assert.rejects(
      checkKind(await clusterOf([], 403), podMonitorKind, up),
      /^Error: the API server .* answers 403: so it is/,
    );
  });

  test("preview: is not checked if the stack names no cluster, or the cluster does not respond", async () => {
    const { kubeconfig } = await clusterOf([]);
    await asUsers(kubeconfig, () => checkKind({}, podMonitorKind, { dryRun: true }));
    for (const ref of [await nobody(), { ...(await nobody()), context: "gone" }, await clusterOf([], 403)]) {
      await checkKind(ref, podMonitorKind, { dryRun: true });
    }
  });
});
