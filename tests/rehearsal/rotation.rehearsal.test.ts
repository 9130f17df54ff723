/**
 * The runbooks of keys and certificates on the rehearsed production stack: the messages, changes and restarts of a rotation, and what it does not
 * change. That an `up` leaves nothing to do shows in the next preview or up, whose changes are compared exactly.
 */
import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { test } from "node:test";
import { errors, jwtVerify } from "jose";
import { tlsComponents } from "../../model/tls.ts";
import { certificateSteps, tokenSteps as steps } from "../../resources/kubernetes/secretRollout.ts";
import type { Outcome } from "../../rehearsal/engine/stack.ts";
import { placementProblems } from "../../rehearsal/report/placement.ts";
import { waitUntilStable } from "../../rehearsal/rehearse.ts";
import { unreadyObjects } from "../../rehearsal/cluster/readiness.ts";
import type { Stage } from "../../rehearsal/stage.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";
import { assertNoSecretShown, tlsSecretValues } from "./secrets.ts";
import { assertOk, changed, withRehearsal } from "./support.ts";

const config = {
  plain: {
    "pulsar:chart.timeoutMinutes": "3",
    "pulsar:clients[0].role": "orders",
    "pulsar:clients[1].role": "billing",
    "pulsar:clients[1].expires": "2198-01-01",
    // Encrypted by docs/operations/enable-tls.md.
    "pulsar:tls.enabled": "false",
    "pulsar:policyWaivers[0].rule": "no-plain-ports",
    "pulsar:policyWaivers[0].reason": "until the maintenance window",
    "pulsar:policyWaivers[0].expires": "2999-12-31",
  },
};
const roles = ["broker-admin", "proxy-admin", "admin", "orders", "billing"];
const allTokens = roles.map((role) => `update auth-token-${role}`);
const restarted = steps.flat();
const tested = ["create smoke-test-job", "delete smoke-test-job"];

const application = (name: string) => ({
  serviceUrl: "pulsar://pulsar-proxy.pulsar.svc:6650",
  adminUrl: "http://pulsar-proxy.pulsar.svc:80",
  secret: { namespace: "pulsar", name },
});

test("keys and tokens", async (t) => {
  await withRehearsal({ stack: "prod", config, skipCheckpoints: false }, async (stage) => {
    const { stack } = stage;
    const said: string[] = [];
    const generation = (count: number) => stack.configure({ plain: { "pulsar:tokens.generation": String(count) } });
    assertOk(await stack.up());
    await assertRunning(stage);

    await t.test("are mounted by exactly the pods that a rotation restarts", async () => {
      const holders = (await pods(stage)).filter(({ secrets }) => secrets.some((name) => /^pulsar-token-/.test(name)));
      assert.deepEqual([...new Set(holders.map(({ component }) => component))].sort(), [...restarted].sort());
    });

    await t.test("of applications are in a Secret and an output, with the addresses", async () => {
      const { clientTokens, applications } = await stack.outputs();
      assert.deepEqual(applications, {
        orders: application("pulsar-token-orders"),
        billing: application("pulsar-token-billing"),
      });
      assert.equal(clientTokens, "[secret]");
      const shown = await stack.outputs({ showSecrets: true });
      assert.deepEqual(shown["clientTokens"], {
        orders: await token(stage, "orders"),
        billing: await token(stage, "billing"),
      });
      const { payload } = await jwtVerify(await token(stage, "billing"), await publicKey(stage));
      assert.deepEqual(payload, { sub: "billing", exp: Date.UTC(2198, 0, 1) / 1000 });
      const state = await stack.exportState();
      assert.deepEqual(stateOf(state, "auth-token-orders"), { protect: false });
      assert.deepEqual(stateOf(state, "auth-token-admin"), { protect: true });
    });

    await t.test("are rotated by the next generation: the preview explains and shows the changes", async () => {
      const before = await pods(stage);
      await generation(2);
      const preview = await stack.preview();
      assertOk(preview);
      assert.deepEqual(
        changed(preview),
        ["create auth-key-2", ...allTokens, ...tested, "update auth-key-secret", "update token-rollout"].sort(),
        preview.text,
      );
      const [told = "", ...more] = warnings(preview);
      assert.deepEqual(more, [], preview.text);
      assert.match(
        told,
        /new tokens \(another key\): restarts all pods of broker and proxy, then toolset and pulsar-manager\. Nobody can produce or consume /,
      );
      assert.match(told, /a client is refused until it presents its new token \(docs\/operations\/rotate-keys\.md\)/);
      assert.ok(preview.text.includes(told.slice(0, 40)), "the warning is not in what the CLI prints");
      assert.deepEqual(await pods(stage), before);
    });

    await t.test("then restarts exactly the pods that mount them, in order", async () => {
      const before = await pods(stage);
      const old = { key: await publicKey(stage), token: await token(stage, "admin") };
      const up = await stack.up();
      assertOk(up);
      assert.equal(warnings(up).length, 1, up.text);
      await assertRunning(stage);
      await assertRestarted(stage, before, restarted);

      const ready = Math.max(...(await pods(stage)).map((pod) => pod.ready));
      assert.ok((await smokeTest(stage)) >= ready, "the smoke test has not run since the restarts");

      const fresh = { key: await publicKey(stage), token: await token(stage, "admin") };
      assert.equal((await jwtVerify(fresh.token, fresh.key)).payload.sub, "admin");
      await assert.rejects(jwtVerify(old.token, fresh.key), errors.JWSSignatureVerificationFailed);
      await assert.rejects(jwtVerify(fresh.token, old.key), errors.JWSSignatureVerificationFailed);
    });

    await t.test("are unchanged by a refresh", async () => {
      assertOk(await stack.refresh({ expectNoChanges: true }));
    });

    await t.test("complete a killed rotation, which removes the first key", async () => {
      const before = await pods(stage);
      const uids = new Set(before.map(({ uid }) => uid));
      await generation(3);
      const expected = ["create auth-key-3", "delete auth-key", "update auth-key-secret", "update token-rollout"];
      assert.deepEqual(changed(await stack.preview()), [...expected, ...tested, ...allTokens].sort());
      const killed = stack.up();
      await waitFor(
        async () =>
          (await pods(stage)).some(({ component, uid }) => component === "broker" && !uids.has(uid)) || undefined,
        { what: "the restart of the brokers", limit: 120_000, every: 20, signal: stage.workspace.signal },
      );
      stack.kill();
      assert.equal((await killed).exitCode, undefined);
      await stack.cancel();
      const kept = (await pods(stage)).filter(({ component }) => component === "toolset");
      assert.ok(
        kept.every(({ uid }) => uids.has(uid)),
        "it was killed too late to see anything",
      );

      const resumed = await stack.up();
      assertOk(resumed);
      await assertRunning(stage);
      await assertRestarted(stage, before, restarted);
      const state = await stack.exportState();
      assert.equal(stateOf(state, "auth-key"), undefined);
      assert.deepEqual(stateOf(state, "auth-key-2"), { protect: false });
      assert.deepEqual(stateOf(state, "auth-key-3"), { protect: true });
      assert.equal((await jwtVerify(await token(stage, "orders"), await publicKey(stage))).payload.sub, "orders");
    });

    await t.test("are rotated to another algorithm, with the previous key unchanged", async () => {
      const before = await pods(stage);
      await stack.configure({ plain: { "pulsar:tokens.generation": "4", "pulsar:tokens.keys": "ecdsa" } });
      const expected = [
        ...["create auth-key-4", "delete auth-key-2", "update auth-key-secret", "update pulsar-release"],
        ...tested,
      ];
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), [...expected, "update token-rollout", ...allTokens].sort(), up.text);
      await assertRunning(stage);
      await assertRestarted(stage, before, restarted);
      const { payload, protectedHeader } = await jwtVerify(await token(stage, "admin"), await publicKey(stage));
      assert.deepEqual(payload, { sub: "admin" });
      assert.equal(protectedHeader.alg, "ES256");
    });

    await t.test("get another expiry date with the same key: only the manager is restarted", async () => {
      const [before, key] = [await pods(stage), await publicKey(stage)];
      await stack.configure({ plain: { "pulsar:tokens.expires": "2199-01-01" } });
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(
        changed(up),
        [...allTokens.filter((update) => !update.endsWith("-billing")), "update token-rollout"].sort(),
      );
      assert.match(warnings(up).join("\n"), /^new tokens \(another expiry\): restarts all pods of pulsar-manager\. /);
      await assertRunning(stage);
      await assertRestarted(stage, before, ["pulsar-manager"]);
      const { payload } = await jwtVerify(await token(stage, "admin"), key);
      assert.equal(payload.exp, Date.UTC(2199, 0, 1) / 1000);
    });

    await t.test("with a past expiry date are refused, with a near one cause a warning", async () => {
      const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
      await stack.configure({ plain: { "pulsar:tokens.expires": day(0) } });
      const refused = await stack.preview();
      assert.equal(refused.ok, false);
      assert.match(refused.text, /pulsar:tokens\.expires: .* has begun .*; use a day after/);
      await stack.configure({ plain: { "pulsar:tokens.expires": day(5) } });
      assert.match(warnings(await stack.preview()).join("\n"), /tokens expire on .* \(00:00 UTC\), 4 days from now/);
    });

    await t.test("of a removed application are removed, in production too, without restarts", async () => {
      const before = await pods(stage);
      await stack.configure({ plain: { "pulsar:tokens.expires": "2199-01-01", "pulsar:clients[0].role": "shipping" } });
      const up = await stack.up();
      assertOk(up);
      assert.deepEqual(changed(up), ["create auth-token-shipping", "delete auth-token-orders"]);
      await assertRestarted(stage, before, []);
    });

    await t.test("docs/operations/enable-tls.md: one update changes ports and addresses", async () => {
      await stack.configure({ unset: ["pulsar:tls.enabled", "pulsar:policyWaivers"] });
      assertOk(await stack.up());
      await assertRunning(stage);
      const { services, caCertificate } = await stack.outputs();
      assert.equal((services as { proxy: string }).proxy, "pulsar+ssl://pulsar-proxy.pulsar.svc:6651");
      assert.match(String(caCertificate), /^-----BEGIN CERTIFICATE-----/);
      const service = await stage.api.core.readNamespacedService({ name: "pulsar-proxy", namespace: "pulsar" });
      assert.deepEqual(service.spec?.ports?.map(({ port }) => port).sort(), [443, 6651]);
    });

    await t.test("docs/operations/renew-certificates.md: one pod restarts at a time, in order", async () => {
      const before = await pods(stage);
      await stack.configure({ plain: { "pulsar:tls.generation": "2" } });
      const order = certificateSteps.flat();
      const told = `new certificates (another certificate or CA): restarts all pods of ${order.join(", then ")}. One pod`;
      const preview = await stack.preview({ diff: true });
      assert.ok(preview.text.includes(told), preview.text);
      const up = await stack.up();
      assertOk(up);
      const renewed = tlsComponents.flatMap((component) => [
        `update tls-${component}-secret`,
        ...["-key", "-request", ""].flatMap((part) => [
          `create tls-${component}${part}-2`,
          `delete tls-${component}${part}`,
        ]),
      ]);
      assert.deepEqual(changed(up), [...renewed, ...tested, "update tls-rollout"].sort(), up.text);
      said.push(preview.text, up.text);
      await assertRunning(stage);
      const known = new Set(before.map(({ uid }) => uid));
      const after = (await pods(stage)).sort((a, b) => a.created - b.created);
      const others = after.filter(({ uid }) => !known.has(uid));
      const expected = order.flatMap((step) => after.filter(({ component }) => component === step));
      assert.deepEqual(
        others.map(({ component }) => component),
        expected.map(({ component }) => component),
      );
      for (const [i, { name, created }] of others.slice(1).entries())
        assert.ok(created >= (others[i]?.ready ?? 0), `${name} was restarted too early`);
      assertOk(await stack.up({ expectNoChanges: true }));
    });

    await t.test("and certificates show no secret anywhere", async () => {
      await assertNoSecretShown(stage, said, [
        "Secret pulsar-manager-database PULSAR_MANAGER_ADMIN_PASSWORD",
        "Secret pulsar-manager-setup login.json",
        "Secret pulsar-manager-setup superuser.json",
        ...["admin", "billing", "broker-admin", "proxy-admin", "shipping"].map(
          (role) => `Secret pulsar-token-${role} TOKEN`,
        ),
        "Secret pulsar-token-asymmetric-key PRIVATEKEY",
        "Secret regsecret .dockerconfigjson",
        ...tlsSecretValues,
      ]);
    });
  });
});

interface Pod {
  name: string;
  component: string;
  uid: string;
  created: number;
  /** The time when it became ready. */
  ready: number;
  /** Names of the Secrets in its volumes and environment. */
  secrets: string[];
}

/** The chart's pods, without those of Jobs. */
async function pods({ api, settings: { namespace } }: Stage): Promise<Pod[]> {
  const { items } = await api.core.listNamespacedPod({ namespace, labelSelector: "release=pulsar,!job-name" });
  return items
    .map(({ metadata, spec, status }) => ({
      name: metadata?.name ?? "",
      component: metadata?.labels?.["component"] ?? "",
      uid: metadata?.uid ?? "",
      created: metadata?.creationTimestamp?.getTime() ?? 0,
      ready: status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime?.getTime() ?? 0,
      secrets: [
        ...(spec?.volumes ?? []).flatMap(({ secret }) => secret?.secretName ?? []),
        ...(spec?.containers ?? []).flatMap(({ env = [] }) =>
          env.flatMap(({ valueFrom }) => valueFrom?.secretKeyRef?.name ?? []),
        ),
      ],
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Checks that exactly the pods of these components were replaced, and those of each step after those of the previous step were ready. */
async function assertRestarted(stage: Stage, before: Pod[], components: string[]): Promise<void> {
  const after = await pods(stage);
  assert.equal(after.length, before.length);
  const known = new Set(before.map(({ uid }) => uid));
  const others = after.filter(({ uid }) => !known.has(uid));
  const expected = after.filter(({ component }) => components.includes(component));
  assert.deepEqual(
    others.map(({ name }) => name),
    expected.map(({ name }) => name),
  );
  const made = steps
    .map((step) => others.filter(({ component }) => step.includes(component)))
    .filter((step) => step.length > 0);
  for (const [i, step] of made.entries()) {
    const readyBefore = Math.max(0, ...(made[i - 1] ?? []).map(({ ready }) => ready));
    for (const { name, created } of step) assert.ok(created >= readyBefore, `${name} was restarted too early`);
  }
}

/** The start time of the only smoke test, which has succeeded. */
async function smokeTest({ api, settings: { namespace } }: Stage): Promise<number> {
  const { items } = await api.batch.listNamespacedJob({ namespace, labelSelector: "component=smoke-test" });
  const [job, ...more] = items;
  assert.ok(job !== undefined && more.length === 0);
  assert.equal(job.status?.succeeded, 1);
  return job.metadata?.creationTimestamp?.getTime() ?? 0;
}

async function assertRunning(stage: Stage): Promise<void> {
  const seen = await waitUntilStable(stage);
  assert.deepEqual(unreadyObjects(seen), []);
  assert.deepEqual(placementProblems(seen.pods, stage.layout, true), []);
}

async function secret({ api, settings: { namespace } }: Stage, name: string, key: string): Promise<Buffer> {
  const { data } = await api.core.readNamespacedSecret({ name, namespace });
  return Buffer.from(data?.[key] ?? "", "base64");
}

const token = async (stage: Stage, role: string) => (await secret(stage, `pulsar-token-${role}`, "TOKEN")).toString();

async function publicKey(stage: Stage) {
  const key = await secret(stage, "pulsar-token-asymmetric-key", "PUBLICKEY");
  return createPublicKey({ key, format: "der", type: "spki" });
}

/** The warnings of a run, without those of a run without changes. */
function warnings({ diagnostics }: Outcome): string[] {
  return diagnostics
    .filter(({ severity }) => severity === "warning")
    .map(({ message }) => message)
    .filter((message) => /token/.test(message));
}

function stateOf(state: unknown, name: string): { protect: boolean } | undefined {
  const { resources } = (state as { deployment: { resources: { urn: string; protect?: boolean }[] } }).deployment;
  const found = resources.find(({ urn }) => urn.endsWith(`::${name}`));
  return found && { protect: found.protect === true };
}
