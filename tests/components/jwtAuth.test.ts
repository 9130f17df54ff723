import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { JwtAuth, tokenSecret } from "../../components/jwtAuth.ts";
import { keyPair, signToken, symmetricKey, type TokenKeys } from "../../components/tokens.ts";
import { named, register, testKeyPem, valueOf } from "../support/mocks.ts";

async function make(keys: TokenKeys, roles = ["broker-admin", "proxy-admin", "admin"], protect?: boolean) {
  let auth: JwtAuth | undefined;
  const registered = await register(() => {
    auth = new JwtAuth("auth", { namespace: "messaging", release: "pulsar", keys, roles, protect });
  });
  assert.ok(auth);
  return { auth, registered };
}

const text = (base64: unknown) => Buffer.from(String(base64), "base64").toString();

describe("JwtAuth", () => {
  test("asymmetric: the Secrets of prepare_helm_release.sh", async () => {
    const { registered } = await make("asymmetric");
    const key = named(registered, "auth-key-secret");
    assert.deepEqual(key.inputs.metadata, { name: "pulsar-token-asymmetric-key", namespace: "messaging" });
    assert.deepEqual(key.inputs.data, keyPair(testKeyPem));
    for (const role of ["broker-admin", "proxy-admin", "admin"]) {
      const { inputs } = named(registered, `auth-token-${role}`);
      const data = inputs.data as Record<string, string>;
      assert.deepEqual(inputs.metadata, { name: `pulsar-token-${role}`, namespace: "messaging" });
      assert.deepEqual(Object.keys(data), ["TOKEN", "TYPE"]);
      assert.equal(text(data.TOKEN), await signToken(testKeyPem, "asymmetric", role));
      assert.equal(text(data.TYPE), "asymmetric");
    }
  });

  test("symmetric: one key under SECRETKEY, from the same kind of resource", async () => {
    const { registered } = await make("symmetric");
    const key = named(registered, "auth-key-secret");
    assert.deepEqual(key.inputs.metadata, { name: "pulsar-token-symmetric-key", namespace: "messaging" });
    assert.deepEqual(key.inputs.data, symmetricKey(testKeyPem));
    assert.equal(text((named(registered, "auth-token-admin").inputs.data as { TYPE: string }).TYPE), "symmetric");
    const providers = new Set(registered.map(({ type }) => type.split(":")[0]));
    assert.deepEqual([...providers].sort(), ["kubernetes", "pulsar", "tls"]);
  });

  test("keeps keys and tokens secret", async () => {
    const { auth, registered } = await make("asymmetric");
    const secrets = registered.filter(({ type }) => type === "kubernetes:core/v1:Secret");
    assert.equal(secrets.length, 4);
    for (const { name, secretInputs } of secrets) assert.deepEqual(secretInputs, ["data"], name);
    assert.ok(await pulumi.isSecret(auth.tokens));
  });

  test("makes a token for every role it is given", async () => {
    const { auth } = await make("asymmetric", ["admin", "monitor"]);
    assert.deepEqual(auth.secretNames, {
      key: "pulsar-token-asymmetric-key",
      tokens: { admin: "pulsar-token-admin", monitor: "pulsar-token-monitor" },
    });
    assert.deepEqual(Object.keys(await valueOf(auth.tokens)), ["admin", "monitor"]);
  });

  test("keeps each role's token where it is looked for", async () => {
    const { auth, registered } = await make("asymmetric", ["monitor"]);
    const { secret, key } = tokenSecret("pulsar", "monitor");
    const { inputs } = named(registered, "auth-token-monitor");
    assert.deepEqual(
      [inputs.metadata, auth.secretNames.tokens],
      [{ name: secret, namespace: "messaging" }, { monitor: secret }],
    );
    assert.ok(key in (inputs.data as object));
  });

  test("protects the key and every Secret where asked to, and nothing otherwise", async () => {
    const isProtected = async (protect?: boolean) =>
      (await make("asymmetric", ["admin"], protect)).registered
        .filter(({ options }) => options.protect)
        .map(({ name }) => name);
    assert.deepEqual(await isProtected(), []);
    assert.deepEqual(await isProtected(false), []);
    assert.deepEqual((await isProtected(true)).sort(), ["auth-key", "auth-key-secret", "auth-token-admin"]);
  });
});
