import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTlsSecrets } from "../../../resources/kubernetes/tlsSecrets.ts";
import { diff } from "../../../resources/kubernetes/tlsSecretsProvider.ts";
import { fakeClusters } from "../../support/fakeClusters.ts";

const { answering, nobody } = fakeClusters();
const installation = { release: "pulsar", namespace: "messaging", clusterDomain: "cluster.local" };
const rest = { installation, hosts: [], generation: 1 };

for (const [command, dryRun] of Object.entries({ up: false, preview: true })) {
  test(`${command}: the faults of the Secrets for TLS are one error`, async () => {
    const asked: string[] = [];
    const cluster = await answering(({ url = "" }, response) => {
      asked.push(url);
      const items = [{ metadata: { name: "pulsar-ca-tls" }, data: { "ca.crt": "" } }];
      response.setHeader("content-type", "application/json").end(JSON.stringify({ kind: "SecretList", items }));
    });
    await assert.rejects(checkTlsSecrets({ cluster, ...rest }, { dryRun }), (error: Error) => {
      const lines = error.message.split("\n");
      assert.equal(lines.length, 1 + 7 + 1, error.message);
      assert.equal(
        lines[0],
        "the Secrets for TLS in namespace messaging (pulsar:tls.issuer is secrets) cannot be used:",
      );
      assert.match(lines[1] ?? "", /^ {2}- Secret pulsar-ca-tls: ca\.crt has no valid certificate; /);
      assert.equal(error.stack, error.message);
      return true;
    });
    assert.deepEqual(asked, ["/api/v1/namespaces/messaging/secrets"]);
  });
}

test("Secrets of the stack are refused, because it deletes them when it has another issuer", async () => {
  const cluster = await answering((_, response) => {
    const annotations = { "pulsar-stack/owner": "organization/pulsar/test" };
    const items = ["pulsar-ca-tls", "pulsar-tls-broker", "pulsar-token-admin"].map((name) => ({
      metadata: { name, annotations },
    }));
    response.setHeader("content-type", "application/json").end(JSON.stringify({ kind: "SecretList", items }));
  });
  await assert.rejects(
    checkTlsSecrets({ cluster, ...rest }, { dryRun: true }),
    /:\n {2}- pulsar-ca-tls, pulsar-tls-broker: the stack has created them, and would delete them; return to plain text first/,
  );
});

test("a preview does not need the cluster, an up does", async () => {
  await checkTlsSecrets({ cluster: await nobody(), ...rest }, { dryRun: true });
  await assert.rejects(checkTlsSecrets({ cluster: await nobody(), ...rest }, { dryRun: false }), /cannot be reached/);
});

test("another generation and another host name check the Secrets again", () => {
  const before = { generation: 1, hosts: ["a.example.com"] };
  assert.equal(diff("", before, { ...before }).changes, false);
  assert.equal(diff("", before, { ...before, generation: 2 }).changes, true);
  assert.equal(diff("", before, { ...before, hosts: ["b.example.com"] }).changes, true);
});
