import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { JwtAuth, type JwtAuthArgs } from "../../components/jwtAuth.ts";
import { keyPair, signToken, symmetricKey } from "../../model/tokens.ts";
import { named, registerOne, testEcKeyPem, testKeyPem, valueOf } from "../support/mocks.ts";

const superUsers = ["broker-admin", "proxy-admin", "admin"].map((role) => ({ role }));

async function make(over: Partial<JwtAuthArgs> = {}, preview = false) {
  const { made: auth, registered } = await registerOne(
    () =>
      new JwtAuth("auth", {
        namespace: "messaging",
        release: "pulsar",
        keys: "asymmetric",
        generation: 1,
        superUsers,
        clients: [],
        ...over,
      }),
    { preview },
  );
  return { auth, registered };
}

const text = (base64: unknown) => Buffer.from(String(base64), "base64").toString();

describe("JwtAuth", () => {
  test("asymmetric: creates the same Secrets as prepare_helm_release.sh", async () => {
    const { registered } = await make();
    const key = named(registered, "auth-key-secret");
    assert.deepEqual(key.inputs.metadata, { name: "pulsar-token-asymmetric-key", namespace: "messaging" });
    assert.deepEqual(key.inputs.data, keyPair(testKeyPem));
    for (const { role } of superUsers) {
      const { inputs } = named(registered, `auth-token-${role}`);
      const data = inputs.data as Record<string, string>;
      assert.deepEqual(inputs.metadata, { name: `pulsar-token-${role}`, namespace: "messaging" });
      assert.deepEqual(Object.keys(data), ["TOKEN", "TYPE"]);
      assert.equal(text(data.TOKEN), await signToken(testKeyPem, "asymmetric", { role }));
      assert.equal(text(data.TYPE), "asymmetric");
    }
  });

  test("symmetric: creates one key, SECRETKEY, from the same type of resource", async () => {
    const { registered } = await make({ keys: "symmetric" });
    const key = named(registered, "auth-key-secret");
    assert.deepEqual(key.inputs.metadata, { name: "pulsar-token-symmetric-key", namespace: "messaging" });
    assert.deepEqual(key.inputs.data, symmetricKey(testKeyPem));
    assert.equal(text((named(registered, "auth-token-admin").inputs.data as { TYPE: string }).TYPE), "symmetric");
    const providers = new Set(registered.map(({ type }) => type.split(":")[0]));
    assert.deepEqual([...providers].sort(), ["kubernetes", "pulsar", "tls"]);
  });

  test("ecdsa: uses another algorithm with the same names, which the chart expects", async () => {
    const { auth, registered } = await make({ keys: "ecdsa" });
    assert.deepEqual(named(registered, "auth-key").inputs, { algorithm: "ECDSA", ecdsaCurve: "P256" });
    assert.equal(auth.secretNames.key, "pulsar-token-asymmetric-key");
    assert.deepEqual(named(registered, "auth-key-secret").inputs.data, keyPair(testEcKeyPem));
    const { TOKEN, TYPE } = named(registered, "auth-token-admin").inputs.data as { TOKEN: string; TYPE: string };
    assert.equal(text(TOKEN), await signToken(testEcKeyPem, "ecdsa", { role: "admin" }));
    assert.equal(text(TYPE), "asymmetric");
  });

  test("shows the keys of its Secrets in a preview, before their values are known", async () => {
    const { registered } = await make({}, true);
    const keysOf = (name: string) => Object.keys(named(registered, name).inputs.data as object);
    assert.deepEqual(keysOf("auth-key-secret"), ["PRIVATEKEY", "PUBLICKEY"]);
    assert.deepEqual(keysOf("auth-token-admin"), ["TOKEN", "TYPE"]);
  });

  test("keeps keys and tokens secret", async () => {
    const { auth, registered } = await make({ clients: [{ role: "monitor" }] });
    const secrets = registered.filter(({ type }) => type === "kubernetes:core/v1:Secret");
    assert.equal(secrets.length, 5);
    for (const { name, secretInputs } of secrets) assert.deepEqual(secretInputs, ["data"], name);
    assert.ok(await pulumi.isSecret(auth.tokens));
  });

  test("creates a token for each role, with its own expiry date", async () => {
    const clients = [{ role: "monitor", expires: "2030-01-01" }];
    const { auth } = await make({ superUsers: [{ role: "admin" }], clients });
    assert.deepEqual(auth.secretNames, {
      key: "pulsar-token-asymmetric-key",
      tokens: { admin: "pulsar-token-admin", monitor: "pulsar-token-monitor" },
    });
    assert.deepEqual(await valueOf(auth.tokens), {
      admin: await signToken(testKeyPem, "asymmetric", { role: "admin" }),
      monitor: await signToken(testKeyPem, "asymmetric", { role: "monitor", expires: "2030-01-01" }),
    });
  });

  test("lists the Secrets that Pulsar's pods mount: the key and the super users' tokens", async () => {
    const { auth } = await make({ superUsers: [{ role: "admin" }], clients: [{ role: "monitor" }] });
    assert.deepEqual(auth.heldByPods, ["pulsar-token-asymmetric-key", "pulsar-token-admin"]);
  });
});

describe("protection", () => {
  const isProtected = async (over: Partial<JwtAuthArgs>) =>
    (await make({ superUsers: [{ role: "admin" }], clients: [{ role: "monitor" }], ...over })).registered
      .filter(({ options }) => options.protect)
      .map(({ name }) => name)
      .sort();

  test("covers the key and the Secrets of Pulsar's pods, if protect is set", async () => {
    assert.deepEqual(await isProtected({}), []);
    assert.deepEqual(await isProtected({ protect: false }), []);
    assert.deepEqual(await isProtected({ protect: true }), ["auth-key", "auth-key-secret", "auth-token-admin"]);
  });

  test("covers the next key, and no longer the previous one", async () => {
    assert.deepEqual(await isProtected({ protect: true, generation: 3 }), [
      "auth-key-3",
      "auth-key-secret",
      "auth-token-admin",
    ]);
  });
});

describe("a generation", () => {
  const keysOf = async (generation: number) =>
    (await make({ generation })).registered.flatMap(({ type, name }) => (type.startsWith("tls:") ? [name] : []));

  test("has its own key, and keeps only the previous one", async () => {
    assert.deepEqual(await keysOf(1), ["auth-key"]);
    assert.deepEqual(await keysOf(2), ["auth-key", "auth-key-2"]);
    assert.deepEqual(await keysOf(3), ["auth-key-2", "auth-key-3"]);
  });

  test("changes no other resource's name", async () => {
    const others = async (generation: number) =>
      (await make({ generation })).registered.flatMap(({ type, name }) => (type.startsWith("tls:") ? [] : [name]));
    assert.deepEqual(await others(2), await others(1));
  });
});
