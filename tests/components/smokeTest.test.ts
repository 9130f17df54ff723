import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { SmokeTest, type SmokeTestArgs } from "../../components/smokeTest.ts";
import { named, register } from "../support/mocks.ts";

const args: SmokeTestArgs = {
  namespace: "messaging",
  release: "demo",
  addresses: {
    proxy: "pulsar://demo-pulsar-proxy.messaging.svc:6650",
    admin: "http://demo-pulsar-proxy.messaging.svc",
  },
  token: { secret: "demo-token-admin", key: "TOKEN" },
  revisions: ["0123abcd"],
  image: "apachepulsar/pulsar-all:4.0.12",
  placement: { nodeSelector: {}, tolerations: [] },
};

async function job(changes: Partial<SmokeTestArgs> = {}) {
  const registered = await register(() => new SmokeTest("smoke", { ...args, ...changes }));
  return named(registered, "smoke-job").inputs as {
    metadata: { name: string };
    spec: { backoffLimit: number; template: { spec: Pod } };
  };
}

interface Pod {
  containers: [{ command: string[]; args: string[]; env: object[]; volumeMounts: object[] }];
  volumes: object[];
}

describe("SmokeTest", () => {
  test("runs the script with the addresses of the proxy, and the token as a file", async () => {
    const { spec } = await job();
    const { containers, volumes } = spec.template.spec;
    const [{ command, args: scripts, env, volumeMounts }] = containers;
    assert.equal(spec.backoffLimit, 1);
    assert.deepEqual(command, ["sh", "-c"]);
    assert.deepEqual(scripts, [
      readFileSync(new URL("../../components/scripts/smokeTest.sh", import.meta.url), "utf8"),
    ]);
    assert.deepEqual(env, [
      { name: "ADMIN_URL", value: "http://demo-pulsar-proxy.messaging.svc" },
      { name: "SERVICE_URL", value: "pulsar://demo-pulsar-proxy.messaging.svc:6650" },
      { name: "TOKEN_FILE", value: "/pulsar/tokens/client/token" },
    ]);
    assert.deepEqual(volumes, [
      { name: "secret-0", secret: { secretName: "demo-token-admin", items: [{ key: "TOKEN", path: "token" }] } },
    ]);
    assert.deepEqual(volumeMounts, [{ name: "secret-0", mountPath: "/pulsar/tokens/client", readOnly: true }]);
  });

  test("names the CA and the ports that must be closed with TLS", async () => {
    const { spec } = await job({ ca: { secret: "demo-ca-tls", key: "ca.crt" } });
    const [{ env }] = spec.template.spec.containers;
    assert.deepEqual(env.slice(-2), [
      { name: "PLAIN_PORTS", value: "80 6650" },
      { name: "CA_FILE", value: "/pulsar/certs/ca/ca.crt" },
    ]);
  });

  test("is a new Job only for another revision or another pod", async () => {
    const nameWith = async (changes: Partial<SmokeTestArgs>) => (await job(changes)).metadata.name;
    const name = await nameWith({});
    assert.match(name, /^demo-pulsar-smoke-test-[0-9a-f]{8}$/);
    assert.equal(await nameWith({}), name);
    assert.notEqual(await nameWith({ image: "pulsar-all:2.7.5" }), name);
    assert.notEqual(await nameWith({ revisions: ["0123abce"] }), name);
  });
});
