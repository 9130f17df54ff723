import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { faults, hasOneFault } from "../support/faults.ts";
import { stackConfig } from "../support/stackFile.ts";

const policies = (networkPolicies: object, more: Record<string, unknown> = {}) => ({
  "pulsar:networkPolicies": networkPolicies,
  ...more,
});
const parsed = (stack: string, changes: Record<string, unknown> = {}) =>
  parseSettings(stackConfig(stack, changes), stack, false);

test("policies are by default on in production and off in test", () => {
  const enabled = (stack: string, changes?: Record<string, unknown>) => parsed(stack, changes).networkPolicies.enabled;
  assert.equal(enabled("prod"), true);
  assert.equal(enabled("test"), false);
  assert.equal(enabled("prod", policies({ enabled: false })), false);
  assert.equal(enabled("test", policies({ enabled: true })), true);
  assert.equal(enabled("prod", { "pulsar:environment": "test" }), false);
});

test("by default the policies name no clients, so that everybody reaches the proxies", () => {
  const on = { enabled: true };
  assert.deepEqual(parsed("test", policies(on)).networkPolicies, { ...on, functions: true });
  const said = {
    clients: [{ namespace: "shop" }, { cidr: "10.20.0.0/16" }],
    ingressController: "ingress-nginx",
    monitoring: "monitoring",
  };
  assert.deepEqual(parsed("prod", policies(said)).networkPolicies, { ...said, enabled: true, functions: true });
});

test("peers may stay in the stack file when policies are off", () => {
  assert.equal(
    parsed("test", policies({ ingressController: "nginx", monitoring: "prom" })).networkPolicies.enabled,
    false,
  );
});

test("functions have access if the chart line or the chart values enable them", () => {
  const functions = (version: string, values: object = {}) =>
    parsed("prod", { "pulsar:chart": { version }, "pulsar:values": values }).networkPolicies.functions;
  assert.deepEqual([functions("2.7.7"), functions("4.7.0")], [true, false]);
  assert.equal(functions("2.7.7", { components: { functions: false } }), false);
  assert.equal(functions("4.7.0", { components: { functions: true } }), true);
});

test("PodMonitors are off by default, with an interval of a minute and without labels", () => {
  assert.deepEqual(parsed("test").monitoring, { podMonitors: false, interval: "60s", labels: {} });
  const said = { podMonitors: true, interval: "30s", labels: { "example.com/prometheus": "main" } };
  assert.deepEqual(parsed("test", { "pulsar:monitoring": said }).monitoring, said);
});

describe("one fault for", () => {
  const aClient = "{namespace: shop} or {cidr: 10.20.0.0/16}";
  const cases: [title: string, stack: string, changes: Record<string, unknown>, expected: string][] = [
    [
      "an empty list of clients",
      "prod",
      policies({ clients: [] }),
      `pulsar:networkPolicies.clients: [] is not valid; use a list of clients that may reach the proxies, each ${aClient}, or remove it`,
    ],
    [
      "a client that is neither namespace nor address range",
      "prod",
      policies({ clients: [{ namespace: "shop" }, "shop"] }),
      `pulsar:networkPolicies.clients[1]: "shop" is not valid; use an entry for each client, either ${aClient}`,
    ],
    [
      "a client that is both",
      "prod",
      policies({ clients: [{ namespace: "shop", cidr: "10.0.0.0/8" }] }),
      'pulsar:networkPolicies.clients[0]: {"namespace":"shop","cidr":"10.0.0.0/8"} is not valid; use an entry for each client, either {namespace',
    ],
    [
      "an address without a prefix length",
      "prod",
      policies({ clients: [{ cidr: "10.0.0.1" }] }),
      'pulsar:networkPolicies.clients[0]: {"cidr":"10.0.0.1"} is not valid; use an entry for each client, either {namespace',
    ],
    [
      "an unknown key",
      "prod",
      policies({ client: [] }),
      "pulsar:networkPolicies.client: is not a setting; did you mean pulsar:networkPolicies.clients?",
    ],
    [
      "clients without policies",
      "prod",
      policies({ enabled: false, clients: [{ namespace: "shop" }] }),
      'pulsar:networkPolicies.clients: [{"namespace":"shop"}] has no effect without network policies; remove it, or set pulsar:networkPolicies.enabled to true',
    ],
    [
      "PodMonitors without access for Prometheus",
      "prod",
      policies({ ingressController: "ingress-nginx" }, { "pulsar:monitoring": { podMonitors: true } }),
      "pulsar:networkPolicies.monitoring: is not set, so Prometheus could not reach the pods of pulsar:monitoring.podMonitors; " +
        "set the namespace that Prometheus runs in, or set pulsar:networkPolicies.enabled to false",
    ],
    [
      "an Ingress without access for its controller",
      "prod",
      policies({ monitoring: "monitoring" }),
      "pulsar:networkPolicies.ingressController: is not set, so the Ingress controller could not reach what pulsar:ingress exposes; " +
        "set the namespace that the Ingress controller runs in, or set pulsar:networkPolicies.enabled to false",
    ],
    [
      "an invalid interval",
      "test",
      { "pulsar:monitoring": { interval: "minutely" } },
      'pulsar:monitoring.interval: "minutely" is not valid; use a length of time such as 60s or 1m',
    ],
    [
      "an invalid label",
      "test",
      { "pulsar:monitoring": { labels: { release: "a b" } } },
      'pulsar:monitoring.labels.release: "a b" is not valid; use a label value',
    ],
  ];
  for (const [title, stack, changes, expected] of cases) {
    test(title, () => {
      hasOneFault(stackConfig(stack, changes), expected);
    });
  }
});

test("PodMonitors are accepted with access for Prometheus, or without policies", () => {
  const on = { "pulsar:monitoring": { podMonitors: true } };
  for (const [stack, changes] of [
    ["prod", policies({ ingressController: "ingress-nginx", monitoring: "monitoring" }, on)],
    ["prod", policies({ enabled: false }, on)],
    ["test", on],
  ] as const) {
    assert.equal(parsed(stack, changes).monitoring.podMonitors, true);
  }
});

test("no fault of policies is reported while `enabled` is invalid", () => {
  const config = stackConfig("prod", policies({ enabled: "maybe" }, { "pulsar:monitoring": { podMonitors: true } }));
  assert.deepEqual(
    faults(config).map((line) => line.slice(0, line.indexOf(";"))),
    ['pulsar:networkPolicies.enabled: "maybe" is not valid'],
  );
});
