import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { consequences, steps, TokenRollout, tokenAtStart } from "../../../resources/kubernetes/tokenRollout.ts";
import * as provider from "../../../resources/kubernetes/tokenRolloutProvider.ts";
import { named, register } from "../../support/mocks.ts";

const args: provider.TokenRolloutArgs = {
  cluster: { context: "test" },
  namespace: "messaging",
  release: "pulsar",
  key: "asymmetric SHA256:one",
  secrets: ["pulsar-token-asymmetric-key", "pulsar-token-admin"],
  steps,
  tokenAtStart,
  limitMinutes: 30,
};

describe("the pods of Pulsar", () => {
  const changed = (change: Partial<provider.TokenRolloutArgs>) =>
    provider.diff("pulsar", args, { ...args, ...change }).changes;

  test("are restarted for another key or another expiry date", () => {
    assert.equal(changed({ key: "asymmetric SHA256:two" }), true);
    assert.equal(changed({ key: "symmetric SHA256:one" }), true);
    assert.equal(changed({ expires: "2030-01-01" }), true);
  });

  test("are not restarted for anything else", () => {
    assert.equal(changed({}), false);
    assert.equal(changed({ cluster: { context: "renamed" }, limitMinutes: 5, secrets: [], steps: [] }), false);
  });

  test("are restarted in steps for another key, brokers and proxies together first", () => {
    assert.deepEqual(provider.stepsOf(args, { ...args, key: "asymmetric SHA256:two" }), [
      ["broker", "proxy"],
      ["toolset", "pulsar-manager"],
    ]);
  });

  test("read a new token without a restart, except for the manager's", () => {
    assert.deepEqual(provider.stepsOf(args, { ...args, expires: "2030-01-01" }), [["pulsar-manager"]]);
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

describe("TokenRollout", () => {
  const run = () =>
    register(() => {
      const { cluster, namespace, release, secrets, limitMinutes } = args;
      const key = pulumi.output(args.key);
      new TokenRollout("token-rollout", { cluster, namespace, release, key, secrets, limitMinutes });
    });

  test("passes its provider everything it needs, without a secret", async () => {
    const { inputs, secretInputs, options } = named(await run(), "token-rollout");
    const { __provider, ...plain } = inputs;
    assert.ok(typeof __provider === "string" && __provider.length < 4000);
    assert.deepEqual(plain, args);
    assert.deepEqual(secretInputs, []);
    assert.deepEqual(options, { beforeUpdate: ["tell-of-token-rollout"] });
  });

  test("warns what another key causes: order, downtime, runbook", () => {
    const told = consequences(true);
    assert.match(told, /restarts all pods of broker and proxy, then toolset and pulsar-manager\./);
    assert.match(
      told,
      /Nobody can produce or consume until brokers and proxies are ready again, usually one to four minutes/,
    );
    assert.match(told, /a client is refused until it presents its new token \(docs\/operations\/rotate-keys\.md\)/);
  });

  test("warns that another expiry date restarts only the manager", () => {
    const told = consequences(false);
    assert.match(told, /restarts pulsar-manager, /);
    assert.doesNotMatch(told, /broker|proxy|refused/);
  });
});
