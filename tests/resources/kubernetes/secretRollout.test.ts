import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import {
  certificateRollout,
  certificateSteps,
  SecretRollout,
  tokenRollout,
  warningOf,
} from "../../../resources/kubernetes/secretRollout.ts";
import * as provider from "../../../resources/kubernetes/secretRolloutProvider.ts";
import { tlsComponents } from "../../../model/tls.ts";
import { named, register } from "../../support/mocks.ts";

function args(key = "asymmetric SHA256:one", expires?: string): provider.SecretRolloutArgs {
  const { triggers, together } = tokenRollout(key, expires);
  return {
    cluster: { context: "test" },
    namespace: "messaging",
    release: "pulsar",
    triggers: triggers.map(({ what, value, steps }) => ({ what, value: value as string, steps })),
    secrets: ["pulsar-token-asymmetric-key", "pulsar-token-admin"],
    together,
    limitMinutes: 30,
  };
}

describe("the pods of Pulsar", () => {
  const changed = (news: provider.SecretRolloutArgs) => provider.diff("pulsar", args(), news).changes;

  test("are restarted for another key or another expiry date", () => {
    assert.equal(changed(args("asymmetric SHA256:two")), true);
    assert.equal(changed(args("symmetric SHA256:one")), true);
    assert.equal(changed(args(undefined, "2030-01-01")), true);
  });

  test("are not restarted for anything else", () => {
    assert.equal(changed(args()), false);
    const triggers = args().triggers.map((trigger) => ({ ...trigger, what: "renamed", steps: [] }));
    assert.equal(
      changed({ ...args(), cluster: { context: "renamed" }, limitMinutes: 5, secrets: [], triggers, together: false }),
      false,
    );
  });

  test("are restarted in steps for another key, brokers and proxies together first", () => {
    assert.deepEqual(provider.stepsOf(args(), args("asymmetric SHA256:two", "2030-01-01")), [
      ["broker", "proxy"],
      ["toolset", "pulsar-manager"],
    ]);
  });

  test("read a new token without a restart, except for the manager's", () => {
    assert.deepEqual(provider.stepsOf(args(), args(undefined, "2030-01-01")), [["pulsar-manager"]]);
  });
});

describe("which pods are deleted next", () => {
  const changed = new Date("2026-11-24T11:00:00Z");
  const pod = (name: string, { old = true, ready = true, terminating = false } = {}) => ({
    metadata: {
      name,
      creationTimestamp: new Date(old ? "2026-11-24T10:00:00Z" : "2026-11-24T11:00:05Z"),
      ...(terminating && { deletionTimestamp: changed }),
    },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  });
  const next = (pods: ReturnType<typeof pod>[], together = false) =>
    provider.nextToDelete(pods, { changed, wanted: 3, together }).map(({ metadata }) => metadata.name);

  test("together, all outdated ones", () => {
    assert.deepEqual(next([pod("a-0"), pod("a-1", { old: false }), pod("a-2", { ready: false })], true), [
      "a-0",
      "a-2",
    ]);
  });

  test("one at a time, the one with the highest ordinal while all are ready", () => {
    assert.deepEqual(next(["a-9", "a-10", "a-8"].map((name) => pod(name))), ["a-10"]);
    assert.deepEqual(next([pod("a-0"), pod("a-1"), pod("a-2", { old: false })]), ["a-1"]);
    assert.deepEqual(next(["a-0", "a-1", "a-2"].map((name) => pod(name, { old: false }))), []);
  });

  test("none while another pod is missing, terminating or not ready", () => {
    assert.deepEqual(next([pod("a-0"), pod("a-1")]), []);
    assert.deepEqual(next([pod("a-0"), pod("a-1"), pod("a-2", { terminating: true })]), []);
    assert.deepEqual(next([pod("a-0"), pod("a-1"), pod("a-2", { old: false, ready: false })]), []);
  });

  test("outdated ones that are not ready, because an expired certificate may be the reason", () => {
    assert.deepEqual(next(["a-0", "a-1", "a-2"].map((name) => pod(name, { ready: false }))), ["a-0", "a-1", "a-2"]);
    assert.deepEqual(next([pod("a-0"), pod("a-1"), pod("a-2", { ready: false })]), ["a-2"]);
  });
});

describe("which pods are outdated", () => {
  const at = (time: string) => new Date(`2026-11-24T${time}Z`);
  const secret = (created: string, ...written: string[]) => ({
    metadata: { creationTimestamp: at(created), managedFields: written.map((time) => ({ time: at(time) })) },
  });
  const pod = (name: string, created: string) => ({ metadata: { name, creationTimestamp: at(created) } });

  test("depend on the latest write to any Secret", () => {
    const secrets = [secret("10:00:00", "10:00:00", "11:00:05"), secret("10:00:00"), secret("10:30:00", "10:59:00")];
    assert.deepEqual(provider.lastChange(secrets), at("11:00:05"));
    assert.deepEqual(provider.lastChange([secret("10:00:00")]), at("10:00:00"));
  });

  test("are those created before it or in the same second", () => {
    const pods = [pod("old", "10:00:00"), pod("same", "11:00:05"), pod("new", "11:00:06")];
    assert.deepEqual(
      provider.outdated(pods, at("11:00:05")).map(({ metadata }) => metadata.name),
      ["old", "same"],
    );
  });
});

describe("SecretRollout", () => {
  const { triggers, cluster, namespace, release, secrets, limitMinutes } = args();

  test("passes its provider everything it needs, without a secret", async () => {
    const registered = await register(() => {
      const rollout = tokenRollout(pulumi.output("asymmetric SHA256:one"));
      new SecretRollout("token-rollout", { cluster, namespace, release, secrets, limitMinutes, ...rollout });
    });
    const { inputs, secretInputs, options } = named(registered, "token-rollout");
    const { __provider, ...plain } = inputs;
    assert.ok(typeof __provider === "string" && __provider.length < 4000);
    assert.deepEqual(plain, { ...args(), holds: "tokens" });
    assert.deepEqual(secretInputs, []);
    assert.deepEqual(options, { beforeUpdate: ["tell-of-token-rollout"] });
  });

  test("warns what another key causes: order, downtime, runbook", () => {
    const told = warningOf(tokenRollout(""), triggers, args("asymmetric SHA256:two").triggers);
    assert.match(
      told,
      /^new tokens \(another key\): restarts all pods of broker and proxy, then toolset and pulsar-manager\./,
    );
    assert.match(
      told,
      /Nobody can produce or consume until brokers and proxies are ready again, usually one to four minutes/,
    );
    assert.match(told, /a client is refused until it presents its new token \(docs\/operations\/rotate-keys\.md\)/);
  });

  test("warns that another expiry date restarts only the manager", () => {
    const told = warningOf(tokenRollout(""), triggers, args(undefined, "2030-01-01").triggers);
    assert.match(told, /^new tokens \(another expiry\): restarts all pods of pulsar-manager\. /);
    assert.doesNotMatch(told, /broker|proxy|refused/);
  });

  test("warns that new certificates restart one pod at a time, ZooKeeper first", () => {
    const told = warningOf(certificateRollout(""), [{ value: "one" }], [{ value: "two" }]);
    assert.match(
      told,
      /^new certificates \(another certificate or CA\): restarts all pods of zookeeper, then bookie, then broker, /,
    );
    assert.match(told, /One pod restarts at a time/);
    assert.deepEqual(certificateSteps.flat().sort(), [...tlsComponents, "pulsar-manager"].sort());
  });
});
