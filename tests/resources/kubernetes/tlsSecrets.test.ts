import assert from "node:assert/strict";
import { test } from "node:test";
import { tlsSecrets } from "../../../model/tls.ts";
import { checkTlsSecrets, refuseOwnSecrets } from "../../../resources/kubernetes/tlsSecrets.ts";
import { diff } from "../../../resources/kubernetes/tlsSecretsProvider.ts";
import { fakeClusters } from "../../support/fakeClusters.ts";

const { answering, nobody } = fakeClusters();
const installation = { release: "pulsar", namespace: "messaging", clusterDomain: "cluster.local" };
const rest = { installation, hosts: [], generation: 1 };

/** A cluster with these Secrets. */
const holding = (secrets: Record<string, object>, asked: string[] = []) =>
  answering(({ url = "" }, response) => {
    asked.push(url);
    const name = url.split("/").at(-1) ?? "";
    const secret = secrets[name];
    response.statusCode = secret === undefined ? 404 : 200;
    const body = secret === undefined ? { kind: "Status" } : { kind: "Secret", metadata: { name }, ...secret };
    response.setHeader("content-type", "application/json").end(JSON.stringify(body));
  });

for (const [command, dryRun] of Object.entries({ up: false, preview: true })) {
  test(`${command}: the faults of the Secrets for TLS are one error`, async () => {
    const asked: string[] = [];
    const cluster = await holding({ "pulsar-ca-tls": { data: { "ca.crt": "" } } }, asked);
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
    const { ca, components } = tlsSecrets("pulsar");
    const names = [ca, ...Object.values(components)];
    assert.deepEqual(asked.sort(), names.map((name) => `/api/v1/namespaces/messaging/secrets/${name}`).sort());
  });
}

test("Secrets of the stack are refused, because it deletes them when it has another issuer", async () => {
  const secret = (name: string) => ({ metadata: { name, annotations: { "pulsar-stack/owner": "organization/pulsar/test" } } }); // prettier-ignore
  const cluster = await holding({
    "pulsar-ca-tls": secret("pulsar-ca-tls"),
    "pulsar-tls-broker": secret("pulsar-tls-broker"),
  });
  await assert.rejects(
    checkTlsSecrets({ cluster, ...rest }, { dryRun: true }),
    /:\n {2}- pulsar-ca-tls, pulsar-tls-broker: the stack has created them, and would delete them; return to plain text first/,
  );
  await assert.rejects(refuseOwnSecrets({ cluster, installation }, { dryRun: true }), {
    message:
      "pulsar:tls.issuer cannot change while TLS is on: pulsar-ca-tls, pulsar-tls-broker: the stack has created them, and would delete them; return to plain text first (docs/operations/enable-tls.md)",
  });
  await refuseOwnSecrets({ cluster: await holding({ "pulsar-ca-tls": {} }), installation }, { dryRun: true });
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
