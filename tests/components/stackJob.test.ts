import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { execa } from "execa";
import * as pulumi from "@pulumi/pulumi";
import { stackJob, type StackJobArgs } from "../../components/stackJob.ts";
import { named, register } from "../support/mocks.ts";

const toleration = { key: "dedicated", operator: "Equal", value: "pulsar", effect: "NoSchedule" } as const;
const args: StackJobArgs = {
  namespace: "messaging",
  release: "demo",
  task: "smoke-test",
  image: "pulsar-all:2.7.4",
  placement: { nodeSelector: { pulsar: "serving" }, tolerations: [toleration] },
  script: "echo done",
  env: { ADMIN_URL: "http://demo" },
  secrets: [
    { secret: "demo-token-admin.v2", folder: "/tokens", files: { TOKEN: "token" } },
    { secret: "demo-login", folder: "/login", files: { USER: "user", BODY: "body.json" } },
  ],
  run: "0a1b2c3d",
};

interface Job {
  metadata: { name: string; labels: object; annotations: object };
  spec: {
    backoffLimit?: number;
    template: {
      metadata: { labels: object };
      spec: {
        containers: [{ env: object[]; volumeMounts: { name: string; mountPath: string }[]; [key: string]: unknown }];
        volumes: { name: string; secret: object }[];
        [key: string]: unknown;
      };
    };
  };
}

async function job(changes: Partial<StackJobArgs> = {}): Promise<Job> {
  const registered = await register(() => stackJob("job", { ...args, ...changes }, {}));
  return named(registered, "job").inputs as unknown as Job;
}

describe("stackJob", () => {
  test("is a new Job for another run and for any change of its pods, so that no preview fails on an immutable field", async () => {
    const { name } = (await job()).metadata;
    assert.match(name, /^demo-pulsar-smoke-test-[0-9a-f]{8}$/);
    assert.equal((await job()).metadata.name, name);
    for (const change of [
      { run: "ffffffff" },
      { image: "pulsar-all:2.7.5" },
      { script: pulumi.output("echo other") },
    ]) {
      assert.notEqual((await job(change)).metadata.name, name);
    }
  });

  test("has the labels of the chart's pods, on itself and on its pods", async () => {
    const { metadata, spec } = await job();
    const labels = { app: "pulsar", release: "demo", component: "smoke-test" };
    assert.deepEqual(metadata.labels, labels);
    assert.deepEqual(spec.template.metadata.labels, labels);
  });

  test("fails with the last log lines of its pod, and the next up runs it again", async () => {
    const { metadata, spec } = await job();
    assert.equal(spec.template.spec.containers[0].terminationMessagePolicy, "FallbackToLogsOnError");
    assert.equal(spec.template.spec.restartPolicy, "Never");
    assert.deepEqual(metadata.annotations, { "pulumi.com/replaceUnready": "true" });
  });

  test("mounts Secrets as files, under valid volume names, and not in the environment", async () => {
    const { containers, volumes } = (await job()).spec.template.spec;
    assert.deepEqual(containers[0].env, [{ name: "ADMIN_URL", value: "http://demo" }]);
    assert.deepEqual(
      containers[0].volumeMounts.map(({ name, mountPath }) => [name, mountPath]),
      [
        ["secret-0", "/tokens"],
        ["secret-1", "/login"],
      ],
    );
    assert.deepEqual(volumes, [
      { name: "secret-0", secret: { secretName: "demo-token-admin.v2", items: [{ key: "TOKEN", path: "token" }] } },
      {
        name: "secret-1",
        secret: {
          secretName: "demo-login",
          items: [
            { key: "USER", path: "user" },
            { key: "BODY", path: "body.json" },
          ],
        },
      },
    ]);
  });

  test("makes Pulsar's tools trust the given CA alone and check host names", async () => {
    const { spec } = await job({ ca: { secret: "demo-ca-tls", key: "ca.crt" }, script: 'cat "$PULSAR_CLIENT_CONF"' });
    const { containers, volumes } = spec.template.spec;
    const file = "/pulsar/certs/ca/ca.crt";
    assert.deepEqual(containers[0].env.at(-1), { name: "CA_FILE", value: file });
    assert.deepEqual(containers[0].volumeMounts.at(-1), {
      name: "secret-2",
      mountPath: "/pulsar/certs/ca",
      readOnly: true,
    });
    assert.deepEqual(volumes.at(-1), {
      name: "secret-2",
      secret: { secretName: "demo-ca-tls", items: [{ key: "ca.crt", path: "ca.crt" }] },
    });
    const [script = ""] = containers[0].args as string[];
    const { stdout } = await execa("sh", ["-c", script], { env: { CA_FILE: file } });
    assert.equal(stdout, `tlsTrustCertsFilePath=${file}\ntlsEnableHostnameVerification=true`);
  });

  test("has the default number of retries of Kubernetes, unless it is set", async () => {
    assert.equal((await job()).spec.backoffLimit, undefined);
    assert.equal((await job({ retries: 1 })).spec.backoffLimit, 1);
  });

  test("has no API token, and pulls its image with the given pull secret", async () => {
    const { spec } = (await job({ pullSecret: "regsecret" })).spec.template;
    assert.equal(spec.automountServiceAccountToken, false);
    assert.deepEqual(spec.imagePullSecrets, [{ name: "regsecret" }]);
    assert.deepEqual([spec.nodeSelector, spec.tolerations], [{ pulsar: "serving" }, [toleration]]);
    assert.equal((await job()).spec.template.spec.imagePullSecrets, undefined);
  });
});
