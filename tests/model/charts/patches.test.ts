import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { parseManifest, writeManifest } from "../../../model/charts/manifest.ts";
import { podSpecAnnotation } from "../../../model/charts/line27/markers.ts";
import { patch } from "../../../model/charts/line27/patches.ts";

/** A manifest as chart 2.7.7 renders it, reduced to the parts that the patches change. */
const manifest = (image = "pulsar-all:2.7.4") => `
---
# Source: pulsar/templates/broker-pdb.yaml
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: pulsar-broker}
spec: {maxUnavailable: 1}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: pulsar-broker}
data:
  superUserRoles: proxy-admin,admin,broker-admin
  mode: "0644"
  enabled: "yes"
  brokerDeleteInactiveTopicsEnabled: "true"
  brokerDeleteInactiveTopicsEnabled: "false"
---
apiVersion: v1
kind: ConfigMap
metadata: {name: pulsar-pulsar-manager}
data:
  LOG_LEVEL: INFO
  JWT_TOKEN: secretKeyRef:pulsar-token-admin/TOKEN
---
apiVersion: v1
kind: Service
metadata:
  name: pulsar-zookeeper
  annotations: {service.alpha.kubernetes.io/tolerate-unready-endpoints: "true"}
spec: {clusterIP: None}
---
apiVersion: v1
kind: Service
metadata: {name: pulsar-proxy}
spec: {type: ClusterIP}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pulsar-zookeeper, labels: {component: zookeeper}}
spec: {template: {spec: {containers: [{name: zookeeper}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pulsar-broker, labels: {component: broker}}
spec:
  template:
    spec:
      nodeSelector: {pulsar: "true"}
      tolerations: [{key: dedicated, operator: Equal, value: pulsar, effect: NoSchedule}]
      imagePullSecrets: [{name: regsecret}]
      containers: [{name: broker, envFrom: [{configMapRef: {name: pulsar-broker}}]}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pulsar-pulsar-manager, labels: {component: pulsar-manager}}
spec:
  template:
    spec:
      containers:
        - name: pulsar-manager
          env: [{name: PULSAR_CLUSTER, value: pulsar}]
          envFrom: [{configMapRef: {name: pulsar-pulsar-manager}}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: pulsar-bookie-init, labels: {app: pulsar, chart: pulsar-2.7.7, release: r, heritage: Helm, cluster: c, component: bookie-init}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: init, image: "${image}"}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: pulsar-pulsar-init, labels: {app: pulsar, chart: pulsar-2.7.7, release: r, heritage: Helm, cluster: c, component: pulsar-init}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: init, image: "${image}"}]}}}
---
`;

function patched(text = manifest()) {
  const objects = parseManifest(text);
  patch(objects);
  return objects;
}

const find = (kind: string, name: RegExp) => {
  const object = patched().find((other) => other.kind === kind && name.test(other.metadata.name));
  assert.ok(object, `${kind} ${String(name)}`);
  return object;
};
const pods = (kind: string, name: RegExp) => find(kind, name).spec?.template?.spec;

describe("patches of chart 2.7.7", () => {
  test("disruption budgets have the API version of Kubernetes 1.25 and later", () => {
    assert.equal(find("PodDisruptionBudget", /./).apiVersion, "policy/v1");
  });

  test("super users are sorted", () => {
    assert.equal(find("ConfigMap", /broker/).data?.superUserRoles, "admin,broker-admin,proxy-admin");
  });

  test("the checksum of a ConfigMap does not depend on the order of the super users", () => {
    const checksum = (roles: string, config: string) => {
      const objects = parseManifest(
        manifest()
          .replace("superUserRoles: proxy-admin,admin,broker-admin", `superUserRoles: ${roles}`)
          .replace(
            /(name: pulsar-broker, labels.*\nspec:\n {2}template:\n)/,
            `$1    metadata: {annotations: {checksum/config: ${config}}}\n`,
          ),
      );
      patch(objects);
      const broker = objects.find(({ kind, metadata }) => kind === "StatefulSet" && metadata.name === "pulsar-broker");
      return broker?.spec?.template?.metadata?.annotations?.["checksum/config"];
    };
    const first = checksum("proxy-admin,admin,broker-admin", "one");
    assert.match(first ?? "", /^[\da-f]{8}$/);
    assert.equal(checksum("admin,broker-admin,proxy-admin", "two"), first);
    assert.notEqual(checksum("admin,broker-admin", "one"), first);
  });

  test("the manager's token comes from its Secret and is in no ConfigMap", () => {
    assert.deepEqual(find("ConfigMap", /manager/).data, { LOG_LEVEL: "INFO" });
    assert.deepEqual(pods("Deployment", /manager/)?.containers?.[0]?.env, [
      { name: "PULSAR_CLUSTER", value: "pulsar" },
      { name: "JWT_TOKEN", valueFrom: { secretKeyRef: { name: "pulsar-token-admin", key: "TOKEN" } } },
    ]);
    assert.equal(pods("StatefulSet", /broker/)?.containers?.[0]?.env, undefined, "nobody else is handed it");
  });

  test("ZooKeeper and both init Jobs get the pull secret", () => {
    for (const spec of [pods("StatefulSet", /zookeeper/), pods("Job", /bookie-init/), pods("Job", /pulsar-init/)]) {
      assert.deepEqual(spec?.imagePullSecrets, [{ name: "regsecret" }]);
    }
  });

  test("the manager is ready when its backend answers through nginx", () => {
    assert.deepEqual(pods("Deployment", /manager/)?.containers?.[0]?.readinessProbe, {
      httpGet: { path: "/pulsar-manager/csrf-token", port: 9527 },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    });
    assert.equal(pods("StatefulSet", /broker/)?.containers?.[0]?.readinessProbe, undefined);
  });

  test("without a pull secret, no pod gets one", () => {
    const text = writeManifest(patched(manifest().replace("imagePullSecrets: [{name: regsecret}]", "")));
    assert.doesNotMatch(text, /imagePullSecrets/);
  });

  test("init Jobs run on the nodes of the brokers", () => {
    for (const name of [/bookie-init/, /pulsar-init/]) {
      assert.deepEqual(pods("Job", name)?.nodeSelector, { pulsar: "true" });
      assert.deepEqual(pods("Job", name)?.tolerations, pods("StatefulSet", /broker/)?.tolerations);
    }
  });

  test("pods of init Jobs have the component labels, by which network policies select them", () => {
    for (const component of ["bookie-init", "pulsar-init"]) {
      assert.deepEqual(find("Job", new RegExp(component)).spec?.template?.metadata?.labels, {
        app: "pulsar",
        release: "r",
        cluster: "c",
        component,
      });
    }
  });

  test("init Jobs are named after their template: another image gives another name, the same image the same name", () => {
    const names = (image: string) =>
      patched(manifest(image)).flatMap(({ kind, metadata }) => (kind === "Job" ? [metadata.name] : []));
    const [bookie = "", pulsar = ""] = names("pulsar-all:2.7.4");
    assert.match(bookie, /^pulsar-bookie-init-[0-9a-f]{8}$/);
    assert.match(pulsar, /^pulsar-pulsar-init-[0-9a-f]{8}$/);
    assert.deepEqual(names("pulsar-all:2.7.4"), [bookie, pulsar]);
    assert.ok(!names("pulsar-all:2.7.5").includes(bookie));
  });

  test("only the Services for which the values ask publish addresses that are not ready", () => {
    assert.equal(find("Service", /zookeeper/).spec?.publishNotReadyAddresses, true);
    assert.equal(find("Service", /proxy/).spec?.publishNotReadyAddresses, undefined);
  });

  test("everything else is unchanged: strings stay strings, the last of two equal keys counts", () => {
    const config = parseManifest(writeManifest(patched())).find(({ kind }) => kind === "ConfigMap");
    assert.deepEqual(config?.data, {
      superUserRoles: "admin,broker-admin,proxy-admin",
      mode: "0644",
      enabled: "yes",
      brokerDeleteInactiveTopicsEnabled: "false",
    });
    assert.equal(patched().length, parseManifest(manifest()).length);
  });
});

describe("pod settings that the chart lacks", () => {
  const zone = { topologyKey: "pulsar-stack/zone", maxSkew: 1, whenUnsatisfiable: "DoNotSchedule" };
  const host = { topologyKey: "kubernetes.io/hostname", maxSkew: 2, whenUnsatisfiable: "ScheduleAnyway" };
  const selector = { matchLabels: { app: "pulsar", component: "proxy" } };
  const proxy = (asked: object) => `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: pulsar-proxy, labels: {component: proxy}, annotations: {kept: "1"}}
spec:
  selector: ${JSON.stringify(selector)}
  template:
    metadata:
      labels: {app: pulsar, component: proxy, release: pulsar}
      annotations: {prometheus.io/scrape: "true", ${podSpecAnnotation}: '${JSON.stringify(asked)}'}
    spec: {containers: [{name: proxy}]}
---
`;
  const proxyAsked = (asked: object) => {
    const objects = patched(proxy(asked) + manifest());
    const found = objects.find(({ metadata }) => metadata.name === "pulsar-proxy");
    assert.ok(found?.spec?.template);
    return { objects, template: found.spec.template };
  };

  test("are in the pod spec, with a spread over the component's own pods", () => {
    const { template } = proxyAsked({ priorityClassName: "high", topologySpreadConstraints: [zone, host] });
    assert.deepEqual(template.spec, {
      containers: [{ name: "proxy" }],
      priorityClassName: "high",
      topologySpreadConstraints: [
        { ...zone, labelSelector: selector },
        { ...host, labelSelector: selector },
      ],
    });
  });

  test("are a priority class only, without a spread", () => {
    const { template } = proxyAsked({ priorityClassName: "high" });
    assert.deepEqual(template.spec, { containers: [{ name: "proxy" }], priorityClassName: "high" });
  });

  test("leave no annotation of their own, and keep the others", () => {
    const { objects, template } = proxyAsked({ topologySpreadConstraints: [zone] });
    assert.deepEqual(template.metadata?.annotations, { "prometheus.io/scrape": "true" });
    assert.ok(!writeManifest(objects).includes(podSpecAnnotation));
  });

  test("are added to the requested components only", () => {
    const { objects } = proxyAsked({ priorityClassName: "high", topologySpreadConstraints: [zone] });
    assert.deepEqual(objects.slice(1), patched());
  });
});

test("the post-renderer is a program that Helm can run", () => {
  const program = new URL("../../../model/charts/line27/postrender", import.meta.url).pathname;
  const out = execFileSync(program, { input: manifest(), encoding: "utf8" });
  assert.deepEqual(parseManifest(out), parseManifest(writeManifest(patched())));
});

test("a manifest that is not YAML is refused with one line", () => {
  assert.throws(() => parseManifest("a: [1"), /^Error: the chart's manifest is not YAML: .*line 1.*; fix the chart$/);
});
