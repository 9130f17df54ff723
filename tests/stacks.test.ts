import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { chartLine, supportedChartVersions } from "../model/charts/lines.ts";
import { builtNames } from "../model/charts/names.ts";
import type * as Program from "../index.ts";
import { named, register, type Registered, testKeyPem, valueOf } from "./support/mocks.ts";
import { stackConfig, testSecrets } from "./support/stackFile.ts";

const stacks = readdirSync(new URL("../", import.meta.url)).flatMap(
  (file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [],
);

const withTls = { "pulsar:tls": { enabled: true, hosts: ["pulsar.example.com"] } };
const variants = [
  ...stacks.map((stack) => ({ stack, variant: stack, changes: {} })),
  { stack: "test", variant: "test-tls", changes: withTls },
];
/** The committed stacks, and test with TLS, each with both chart versions. */
const cases = variants.flatMap(({ stack, variant, changes }) =>
  supportedChartVersions.map((version) => {
    const chart = { "pulsar:chart": { version } };
    const committed = JSON.stringify(stackConfig(stack).values) === JSON.stringify(stackConfig(stack, chart).values);
    return { name: committed ? variant : `${variant}-${version}`, stack, changes: { ...chart, ...changes } };
  }),
);

/** What the program registers for a stack, and its outputs. The module cache goes by the address, so each case has a run of its own. */
async function run({ name, stack, changes }: { name: string; stack: string; changes: Record<string, unknown> }) {
  const { values, encrypted } = stackConfig(stack, changes);
  pulumi.runtime.setAllConfig({ ...values }, [...encrypted]);
  let outputs: typeof Program | undefined;
  const resources = await register(
    async () => {
      outputs = (await import(`../index.ts?stack=${name}`)) as typeof Program;
    },
    { stack, certificates: "placeholders" },
  );
  assert.ok(outputs);
  return { resources, outputs };
}

const runs = new Map<string, Awaited<ReturnType<typeof run>>>();
for (const one of cases) runs.set(one.name, await run(one));

/** Variables that the SDKs make inputs of a provider where the program sets none. */
const readBySdks = {
  KUBECONFIG: "/somewhere/else",
  PULUMI_K8S_DELETE_UNREACHABLE: "true",
  PULUMI_K8S_ENABLE_PATCH_FORCE: "true",
  PGSSLMODE: "require",
  PGCONNECT_TIMEOUT: "1",
};
const tlsOfOthers = (tls: object) => ({ "pulsar:tls": tls });
const runsWithTlsOfOthers = {
  secrets: await run({ name: "prod-secrets", stack: "prod", changes: tlsOfOthers({ issuer: "secrets" }) }),
  "cert-manager": await run({
    name: "prod-cert-manager",
    stack: "prod",
    changes: tlsOfOthers({ issuer: "cert-manager", certManager: { issuer: "internal" } }),
  }),
};
const before = { ...process.env };
Object.assign(process.env, readBySdks);
const runWithVariables = await run({ name: "with-variables", stack: "test", changes: {} });
process.env = before;

function ran(stack: string) {
  const found = runs.get(stack);
  assert.ok(found, `there is no stack ${stack}`);
  return found;
}

const isProvider = ({ type }: Registered) => type.startsWith("pulumi:providers:");
const isMarks = ({ type }: Registered) => type.endsWith(":NodeMarks");
const isSecret = ({ type }: Registered) => type === "kubernetes:core/v1:Secret";
const isVolume = ({ type }: Registered) => type === "kubernetes:core/v1:PersistentVolume";
const isClaim = ({ type }: Registered) => type === "kubernetes:core/v1:PersistentVolumeClaim";
const names = (resources: readonly Registered[]) => resources.map(({ name }) => name).sort();

for (const { name: title, stack, changes } of cases) {
  /**
   * The golden file shows a reviewer the whole effect of a change on a stack. After a wanted change:
   * `UPDATE_GOLDEN=1 npm run unit`, then read the difference.
   */
  describe(`stack ${title}`, () => {
    const { resources } = ran(title);

    test("registers what its golden file says", () => {
      const file = new URL(`golden/${title}.json`, import.meta.url);
      const actual = `${JSON.stringify(resources.map(shown), null, 2)}\n`;
      if (process.env.UPDATE_GOLDEN || !existsSync(file)) writeFileSync(file, actual);
      assert.deepEqual(JSON.parse(actual), JSON.parse(readFileSync(file, "utf8")));
    });

    test("no secret is in a plain input", () => {
      const secrets = [...Object.values(testSecrets), testKeyPem, testKeyPem.split("\n")[1] ?? ""];
      for (const resource of resources) {
        const plain = Object.entries(resource.inputs).filter(([key]) => !resource.secretInputs.includes(key));
        const text = JSON.stringify(plain);
        for (const secret of secrets) {
          const found = text.includes(secret) || text.includes(Buffer.from(secret).toString("base64"));
          assert.ok(!found, `${resource.name} holds a secret in plain text`);
        }
        assert.doesNotMatch(text, /eyJ[\w-]+\.eyJ/, `${resource.name} holds a token in plain text`);
      }
    });

    test("children carry their component's name, and every name is used once a type", () => {
      for (const { name, parent } of resources) {
        if (parent !== undefined) assert.ok(name.startsWith(`${parent}-`), `${name} is a child of ${parent}`);
      }
      const typed = resources.map(({ type, name }) => `${type} ${name}`);
      assert.equal(new Set(typed).size, typed.length);
    });

    test("every Kubernetes object but patches and the release is marked as the stack's and guarded", () => {
      const objects = resources.filter(({ type }) => /^kubernetes:(?!helm)(?!.*Patch$)/.test(type));
      assert.ok(objects.length > 20);
      for (const { name, inputs, options } of objects) {
        const { annotations } = inputs.metadata as { annotations?: Record<string, string> };
        assert.equal(annotations?.["pulsar-stack/owner"], `organization/pulsar/${stack}`, name);
        assert.deepEqual(options.beforeCreate, ["refuse-foreign-object"], name);
      }
    });

    test("every Job runs again after a failure", () => {
      const jobs = resources.filter(({ type }) => type === "kubernetes:batch/v1:Job");
      assert.ok(jobs.length > 3);
      for (const { name, inputs } of jobs) {
        const { annotations } = inputs.metadata as { annotations?: Record<string, string> };
        assert.equal(annotations?.["pulumi.com/replaceUnready"], "true", name);
      }
    });

    test("every Job and Service is in the list of names that limits a release's name", () => {
      const line = chartLine(changes["pulsar:chart"].version);
      const listed = builtNames("pulsar", line.makes).map(({ text }) => text);
      const made = resources.filter(({ type }) => /:(Job|Service)$/.test(type));
      assert.ok(made.length > 0);
      for (const { inputs } of made) {
        const { name } = inputs.metadata as { name: string };
        if (name.startsWith("pulsar-directories-")) continue; // Cut where it is too long.
        assert.ok(listed.includes(name.replace(/-[0-9a-f]{8}$/, "-00000000")), name);
      }
    });

    test("everything waits for the volume contract, so that what it refuses has changed nothing", () => {
      const contract = named(resources, "volume-contract");
      assert.deepEqual(contract.dependsOn, []);
      const others = resources.filter((resource) => resource.custom && resource !== contract && !isProvider(resource));
      for (const other of others) assert.ok(upstream(other, resources).has("volume-contract"), other.name);
    });

    test("the release waits for nodes, Secrets, volumes, claims and tables", () => {
      const release = named(resources, "pulsar-release");
      const later = (resource: Registered) => upstream(resource, resources).has(release.name);
      for (const kind of [isMarks, isSecret, isVolume, isClaim]) {
        const needed = resources.filter((resource) => kind(resource) && !later(resource));
        assert.ok(needed.length > 0);
        for (const { name } of needed) assert.ok(release.dependsOn.includes(name), name);
      }
      assert.ok(release.dependsOn.includes("manager-database-tables"));
    });
  });
}

describe("stack test", () => {
  const { resources, outputs } = ran("test");

  test("has no access from outside", () => {
    assert.ok(resources.every(({ type }) => !type.endsWith(":Ingress")));
    assert.deepEqual(outputs.ingress, {});
  });

  test("makes the manager's login once the release is up; with chart 4.7.0 the chart does", () => {
    assert.ok(upstream(named(resources, "manager-setup-job"), resources).has("pulsar-release"));
    assert.ok(ran("test-4.7.0").resources.every(({ name }) => !name.startsWith("manager-setup")));
  });

  test("protects nothing, so that it can be thrown away", () => {
    assert.deepEqual(names(resources.filter(({ options }) => options.protect)), []);
  });
});

describe("stack prod", () => {
  const { resources, outputs } = ran("prod");
  const guard = named(resources, "production-guard");

  test("protects what cannot be made again, and nothing else", () => {
    const auth = [
      "auth-key",
      "auth-key-secret",
      "auth-token-broker-admin",
      "auth-token-proxy-admin",
      "auth-token-admin",
    ];
    const database = ["manager-database-role", "manager-database-database", "manager-database-tables"];
    const volumes = resources.filter(isVolume);
    assert.equal(volumes.length, 3 + 4 + 4);
    assert.deepEqual(
      names(resources.filter(({ options }) => options.protect)),
      ["production-guard", "namespace-namespace", ...auth, "tls-ca-1-key", ...database, ...names(volumes)].sort(),
    );
  });

  test("is guarded as a whole: all that a destroy would delete goes after the guard, which does not go", () => {
    assert.equal(guard.options.protect, true);
    const below = ["cluster", "volume-contract", "tls-authorities"];
    const rest = resources.filter(({ custom, name }) => custom && !below.includes(name));
    assert.deepEqual(guard.dependsOn, names(rest));
    assert.ok(upstream(guard, resources).has("volume-contract"));
  });

  test("shows what its pods ask for", () => {
    assert.deepEqual(outputs.pods.bookkeeper, {
      requests: { cpu: "13600m", memory: "55680Mi" },
      limits: { cpu: undefined, memory: "55680Mi" },
      heap: "11136Mi",
      direct: "16640Mi",
      priorityClass: undefined,
    });
  });

  test("has its network policies before the first of the release's pods", () => {
    const policies = resources.filter(({ type }) => type === "kubernetes:networking.k8s.io/v1:NetworkPolicy");
    assert.ok(policies.length > 0);
    const before = upstream(named(resources, "pulsar-release"), resources);
    for (const { name } of policies) assert.ok(before.has(name), name);
  });

  test("has its Ingresses with TLS, and creates them after the manager's login", () => {
    assert.deepEqual(outputs.ingress, {
      manager: "https://pulsar-manager.example.com",
      admin: "https://pulsar-admin.example.com",
    });
    for (const way of ["ingress-manager", "ingress-admin"]) {
      assert.ok(upstream(named(resources, way), resources).has("manager-setup-job"));
    }
  });

  test("tells the cluster the bookies' racks once it is up", () => {
    assert.ok(upstream(named(resources, "bookie-racks-job"), resources).has("pulsar-release"));
  });
});

test("stack prod with PodMonitors asks first whether the cluster knows them, and installs the release after", async () => {
  const { resources } = await run({
    name: "prod-monitored",
    stack: "prod",
    changes: { "pulsar:monitoring": { podMonitors: true } },
  });
  const monitors = resources.filter(({ type }) => type === "kubernetes:monitoring.coreos.com/v1:PodMonitor");
  assert.equal(monitors.length, 5);
  const hooks = monitors.map(({ options }) => options.beforeCreate);
  assert.deepEqual(
    hooks.filter((names) => (names as string[])[0] === "check-kind-PodMonitor"),
    [["check-kind-PodMonitor", "refuse-foreign-object"]],
  );
  const before = upstream(named(resources, "pulsar-release"), resources);
  for (const { name } of monitors) assert.ok(before.has(name), name);
});

describe("TLS of stack prod", () => {
  const { resources, outputs } = ran("prod");
  const made = resources.filter(({ parent }) => parent === "tls");

  test("creates the certificates before the release, after it has checked the CAs", () => {
    const before = upstream(named(resources, "pulsar-release"), resources);
    assert.ok(made.length > 20);
    for (const { name } of made) assert.ok(before.has(name), name);
    for (const { custom, name, type } of resources) {
      if (
        !custom ||
        name.startsWith("volume-contract") ||
        name === "tls-authorities" ||
        type.startsWith("pulumi:providers:")
      )
        continue;
      assert.ok(upstream(named(resources, name), resources).has("tls-authorities"), name);
    }
  });

  test("checks the CAs again once the pods have restarted", () => {
    const before = upstream(named(resources, "tls-authorities-applied"), resources);
    assert.ok(before.has("token-rollout") && before.has("tls-rollout"));
  });

  test("restarts the pods for other certificates after the release, before the smoke test", () => {
    const { inputs } = named(resources, "tls-rollout");
    assert.equal(inputs["together"], false);
    const secrets = resources.filter(({ parent, type }) => parent === "tls" && type === "kubernetes:core/v1:Secret");
    assert.equal((inputs["secrets"] as string[]).length, secrets.length);
    const before = upstream(named(resources, "tls-rollout"), resources);
    for (const name of ["pulsar-release", "token-rollout", ...names(secrets)]) assert.ok(before.has(name), name);
    assert.ok(upstream(named(resources, "smoke-test-job"), resources).has("tls-rollout"));
  });

  test("gives its Jobs the CA, and the manager the brokers' address with TLS", () => {
    for (const name of ["smoke-test-job", "manager-setup-job"]) {
      const job = JSON.stringify(named(resources, name).inputs);
      assert.match(job, name === "smoke-test-job" ? /"secretName":"pulsar-ca-tls"/ : /https:\/\/pulsar-broker:8443/);
    }
  });

  test("shows the CA's certificate, and no key in a plain input", async () => {
    assert.ok(outputs.caCertificate);
    assert.match(await valueOf(outputs.caCertificate), /^-----BEGIN CERTIFICATE-----/);
    assert.equal(await pulumi.isSecret(outputs.caCertificate), false);
    for (const { name, inputs, secretInputs } of resources) {
      const plain = Object.entries(inputs).filter(([key]) => !secretInputs.includes(key));
      assert.doesNotMatch(JSON.stringify(plain), /PRIVATE KEY/, name);
    }
  });
});

describe("TLS of stack prod by others", () => {
  for (const [issuer, { resources, outputs }] of Object.entries(runsWithTlsOfOthers)) {
    test(`${issuer}: checks and prepares before the release, and restarts the pods after it`, () => {
      const before = upstream(named(resources, "pulsar-release"), resources);
      assert.ok(before.has("tls"));
      assert.ok(upstream(named(resources, "tls-rollout"), resources).has("pulsar-release"));
      assert.ok(resources.every(({ type, name }) => !type.endsWith("Cert") && !name.startsWith("tls-authorities")));
      assert.equal(outputs.caCertificate, undefined);
    });
  }
});

describe("stack prod with tenants", async () => {
  const permissions = [{ role: "shop-app", actions: ["produce"] }];
  const namespaces = [{ name: "orders", permissions, topics: [{ name: "created", partitions: 3 }] }];
  const changes = { "pulsar:tenants": [{ name: "shop", namespaces }] };
  const { resources } = await run({ name: "prod-tenants", stack: "prod", changes });
  const made = resources.filter(({ custom, parent }) => custom && parent === "tenants");

  test("registers them beside everything else", () => {
    const before = names(ran("prod").resources);
    assert.equal(made.length, 5);
    assert.deepEqual(names(resources), [...before, "tenants", ...names(made)].sort());
  });

  test("gives them the CA for the port-forward", () => {
    const access = named(resources, "tenants-shop").inputs["access"] as { forwardCa?: object };
    assert.deepEqual(access.forwardCa, { secret: "pulsar-ca-tls", key: "ca.crt" });
  });

  test("applies them once the release is up and its pods know the present key", () => {
    for (const resource of made) {
      const awaited = upstream(resource, resources);
      assert.ok(awaited.has("pulsar-release") && awaited.has("token-rollout"), resource.name);
      assert.deepEqual(resource.options, { deletedWith: "pulsar-release" });
    }
  });

  test("guards them as the rest, and no token is in their inputs", () => {
    const guard = named(resources, "production-guard");
    for (const { name, inputs, secretInputs } of made) {
      assert.ok(guard.dependsOn.includes(name), name);
      assert.deepEqual(secretInputs, []);
      assert.doesNotMatch(JSON.stringify(inputs), /eyJ[\w-]+\.eyJ/);
    }
  });
});

/** Logical names of all that `resource` waits for, however far away: a child waits for its component, and so for what that waits for. */
function upstream(resource: Registered, all: readonly Registered[]): Set<string> {
  const found = new Set<string>();
  const add = ({ dependsOn, parent }: Registered) => {
    for (const name of parent === undefined ? dependsOn : [...dependsOn, parent]) {
      if (found.has(name)) continue;
      found.add(name);
      all.filter((other) => other.name === name).forEach(add);
    }
  };
  add(resource);
  return found;
}

/** A resource as the golden file shows it: secret values and long texts replaced, so that it holds neither secrets nor machine-made noise. */
function shown({ inputs, secretInputs, ...resource }: Registered): unknown {
  const hidden = Object.entries(inputs).map(([key, value]) => {
    if (secretInputs.includes(key)) return [key, typeof value === "object" ? keysOf(value) : "[secret]"];
    if (key === "__provider") return [key, "[code]"];
    return [key, shortened(value)];
  });
  return { ...resource, inputs: Object.fromEntries(hidden) as unknown };
}

/** With what is long, such as a script, told by its hash: its own file is where it is read. A hash keyed by the key of the day says nothing. */
function shortened(value: unknown): unknown {
  if (typeof value === "string") value = value.replace(/(?<=^.*-manager-setup-)[0-9a-f]{8}$/, "[keyed hash]");
  if (typeof value === "string") value = value.replace(/-----BEGIN ([A-Z ]+)-----[^]+?-----END \1-----\n/g, "[$1]");
  if (typeof value === "string" && value.split("\n").length > 20) {
    return `[sha256 ${createHash("sha256").update(value).digest("hex")}]`;
  }
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shortened(inner)]));
}

function keysOf(value: unknown): unknown {
  return Object.fromEntries(Object.keys(value as object).map((key) => [key, "[secret]"]));
}

test("the inputs of the providers come from the settings, whatever the environment says", () => {
  const providers = ({ resources }: { resources: Registered[] }) =>
    resources.filter(isProvider).map(({ name, inputs }) => ({ name, inputs }));
  assert.deepEqual(providers(runWithVariables), providers(ran("test")));
});
