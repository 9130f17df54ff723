import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { base64, shortHash } from "../../model/encoding.ts";
import { chartSchema } from "../../model/charts/lines.ts";
import { frontEndConfig } from "../../model/managerFrontEnd.ts";
import { PulsarRelease, type PulsarReleaseArgs } from "../../components/pulsarRelease.ts";
import { podSizes } from "../../model/sizing.ts";
import { tlsSecrets } from "../../model/tls.ts";
import { cluster } from "../model/charts/support.ts";
import { named, registerOne, valueOf } from "../support/mocks.ts";

const chart = chartSchema.parse({ version: "2.7.7" });

async function make(changes: Partial<PulsarReleaseArgs> = {}) {
  const { made: release, registered } = await registerOne(
    () =>
      new PulsarRelease("pulsar", {
        namespace: "messaging",
        release: "demo",
        prerequisites: [],
        kubernetes: { cluster: {}, namespace: "messaging" },
        chart,
        cluster,
        managerCredentials: {
          database: { user: "manager", password: "manager-password" },
          login: { user: "admin", password: "login-password" },
        },
        ...changes,
      }),
  );
  return { release, registered, helm: named(registered, "pulsar-release") };
}

describe("PulsarRelease", () => {
  test("has a fixed name, and waits half an hour for pods and Jobs", async () => {
    const { helm } = await make();
    const { name, namespace, timeout, waitForJobs, skipAwait, atomic } = helm.inputs;
    assert.deepEqual(
      { name, namespace, timeout, waitForJobs },
      { name: "demo", namespace: "messaging", timeout: 1800, waitForJobs: true },
    );
    assert.deepEqual([skipAwait, atomic], [undefined, undefined]);
    assert.deepEqual(helm.options.customTimeouts, { create: "35m", update: "35m", pb_delete: "35m" });
  });

  test("takes the chart from a repository address, an OCI address, a path or a named repository, always with its version", async () => {
    const of = async (source: string) => {
      const { chart, version, repositoryOpts } = (
        await make({ chart: chartSchema.parse({ version: "2.7.7", source }) })
      ).helm.inputs;
      return { chart, version, repositoryOpts };
    };
    assert.deepEqual(await of("https://charts.example.com"), {
      chart: "pulsar",
      version: "2.7.7",
      repositoryOpts: { repo: "https://charts.example.com" },
    });
    for (const chart of ["oci://registry.example.com/charts/pulsar", "./charts/pulsar", "apache/pulsar"]) {
      assert.deepEqual(await of(chart), { chart, version: "2.7.7", repositoryOpts: undefined });
    }
  });

  test("passes the database's credentials in a Secret, never in values", async () => {
    const { helm, registered } = await make();
    const secret = named(registered, "pulsar-manager-database");
    assert.deepEqual(secret.inputs.data, {
      PULSAR_MANAGER_ADMIN_USER: base64("manager"),
      PULSAR_MANAGER_ADMIN_PASSWORD: base64("manager-password"),
    });
    assert.deepEqual(secret.secretInputs, ["data"]);
    assert.deepEqual(helm.secretInputs, []);
    assert.doesNotMatch(JSON.stringify(helm.inputs), /manager-password/);
    const { metadata } = secret.inputs as { metadata: { name: string } };
    const { pulsar_manager: manager } = helm.inputs.values as { pulsar_manager: { existingSecretName: string } };
    assert.equal(manager.existingSecretName, metadata.name);
  });

  test("passes the login to chart 4.7.0 too, in a Secret, so that the chart creates no password", async () => {
    const { helm, registered } = await make({ chart: { ...chart, version: "4.7.0" } });
    const secret = named(registered, "pulsar-manager-database");
    assert.deepEqual(secret.inputs.data, {
      DB_USERNAME: base64("manager"),
      DB_PASSWORD: base64("manager-password"),
      UI_USERNAME: base64("admin"),
      UI_PASSWORD: base64("login-password"),
    });
    assert.deepEqual(secret.secretInputs, ["data"]);
    assert.doesNotMatch(JSON.stringify(helm.inputs), /manager-password|login-password/);
    const { metadata } = secret.inputs as { metadata: { name: string } };
    const { pulsar_manager: manager } = helm.inputs.values as { pulsar_manager: { admin: object } };
    assert.deepEqual(manager.admin, { existingSecret: metadata.name });
    assert.equal(helm.inputs.postrender, "./model/charts/line4/postrender");
  });

  test("does not patch the default ServiceAccount with chart 4.7.0, which gives each pod the pull secret", async () => {
    const { helm, registered } = await make({ chart: { ...chart, version: "4.7.0" } });
    assert.ok(registered.every(({ name }) => name !== "pulsar-default-account"));
    const { images } = helm.inputs.values as { images: { imagePullSecrets: string[] } };
    assert.deepEqual(images.imagePullSecrets, ["regsecret"]);
  });

  test("creates the nginx configuration for the manager of chart 4.7.0 before the release, under a name that changes with it", async () => {
    const { helm, registered } = await make({ chart: { ...chart, version: "4.7.0" } });
    const { metadata, data } = named(registered, "pulsar-manager-front-end").inputs as {
      metadata: { name: string; namespace: string };
      data: object;
    };
    assert.deepEqual(data, { "default.conf": frontEndConfig("demo") });
    assert.deepEqual(metadata, {
      name: `demo-pulsar-manager-front-end-${shortHash(frontEndConfig("demo"))}`,
      namespace: "messaging",
    });
    assert.ok(helm.dependsOn.includes("pulsar-manager-front-end"));
    const { pulsar_manager: manager } = helm.inputs.values as { pulsar_manager: Record<string, unknown> };
    assert.deepEqual(manager.extraVolumes, [{ name: "front-end", configMap: { name: metadata.name } }]);
    assert.deepEqual(manager.extraVolumeMounts, [
      { name: "front-end", mountPath: "/etc/nginx/conf.d/default.conf", subPath: "default.conf", readOnly: true },
    ]);
  });

  test("creates no nginx configuration with chart 2.7.7, which does not accept one", async () => {
    const { helm, registered } = await make();
    assert.ok(registered.every(({ type }) => type !== "kubernetes:core/v1:ConfigMap"));
    assert.doesNotMatch(JSON.stringify(helm.inputs), /front-end/);
  });

  test("gives the default ServiceAccount the pull secret, if there is one, before the release", async () => {
    const { helm, registered } = await make();
    assert.ok(helm.dependsOn.includes("pulsar-default-account"));
    assert.deepEqual(named(registered, "pulsar-default-account").inputs.imagePullSecrets, [{ name: "regsecret" }]);
    const without = await make({ cluster: { ...cluster, images: { ...cluster.images, pullSecret: undefined } } });
    assert.ok(without.registered.every(({ name }) => name !== "pulsar-default-account"));
  });

  test("passes the sizes of the pods to the chart", async () => {
    const pods = podSizes({ broker: { requests: { cpu: "2", memory: "4Gi" } } }, {});
    const { helm } = await make({ cluster: { ...cluster, pods } });
    const { broker } = helm.inputs.values as { broker: { resources: object } };
    assert.deepEqual(broker.resources, { requests: { cpu: "2", memory: "4Gi" }, limits: { memory: "4Gi" } });
  });

  test("applies the stack's own values last", async () => {
    const { helm } = await make({ values: { proxy: { service: { type: "NodePort" } }, extra: 1 } });
    const { proxy, extra } = helm.inputs.values as { proxy: Record<string, unknown>; extra: number };
    assert.deepEqual(proxy.service, { type: "NodePort" });
    assert.equal(proxy.replicaCount, 3);
    assert.equal(extra, 1);
  });

  test("knows the addresses inside the cluster at preview", async () => {
    const { release } = await make();
    assert.deepEqual(await valueOf(release.addresses), {
      proxy: "pulsar://demo-pulsar-proxy.messaging.svc:6650",
      admin: "http://demo-pulsar-proxy.messaging.svc:80",
      manager: "http://demo-pulsar-pulsar-manager.messaging.svc:9527",
    });
  });

  test("with TLS, knows the encrypted addresses, and passes the Secrets to the chart", async () => {
    const { release, helm } = await make({ cluster: { ...cluster, tls: tlsSecrets("demo") } });
    assert.partialDeepStrictEqual(await valueOf(release.addresses), {
      proxy: "pulsar+ssl://demo-pulsar-proxy.messaging.svc:6651",
      admin: "https://demo-pulsar-proxy.messaging.svc:443",
    });
    assert.partialDeepStrictEqual(helm.inputs.values, { tls: { enabled: true } });
  });
});
