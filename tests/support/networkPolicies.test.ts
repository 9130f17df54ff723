/** Tests the policy evaluator of other tests with the examples and rules of the Kubernetes documentation. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allowed, type End, type Policy, selects } from "./networkPolicies.ts";

const pod = (namespace: string, labels: Record<string, string> = {}): End => ({ namespace, labels });
const policy = (spec: Policy["spec"], namespace = "default"): Policy => ({ metadata: { namespace }, spec });

const db = pod("default", { role: "db" });
const frontend = pod("default", { role: "frontend" });
const stranger = pod("default");

describe("the documentation's example", () => {
  const example = policy({
    podSelector: { matchLabels: { role: "db" } },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      {
        from: [
          { ipBlock: { cidr: "172.17.0.0/16", except: ["172.17.1.0/24"] } },
          { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "myproject" } } },
          { podSelector: { matchLabels: { role: "frontend" } } },
        ],
        ports: [{ protocol: "TCP", port: 6379 }],
      },
    ],
    egress: [{ to: [{ ipBlock: { cidr: "10.0.0.0/24" } }], ports: [{ protocol: "TCP", port: 5978 }] }],
  });
  const cases: [title: string, from: End, to: End, port: number, expected: boolean][] = [
    ["an address in the range", { ip: "172.17.2.1" }, db, 6379, true],
    ["an address taken out of the range", { ip: "172.17.1.1" }, db, 6379, false],
    ["any pod of the project", pod("myproject"), db, 6379, true],
    ["a frontend of the same namespace", frontend, db, 6379, true],
    ["a frontend of another namespace", pod("other", { role: "frontend" }), db, 6379, false],
    ["another port", frontend, db, 6380, false],
    ["somebody of the same namespace", stranger, db, 6379, false],
    ["the way out", db, { ip: "10.0.0.7" }, 5978, true],
    ["the way out elsewhere", db, { ip: "10.0.1.7" }, 5978, false],
    ["a pod that is not selected, to another", stranger, frontend, 1, true],
  ];
  for (const [title, from, to, port, expected] of cases) {
    test(`${expected ? "allows" : "blocks"} ${title}`, () => {
      assert.equal(allowed([example], from, to, port), expected);
    });
  }

  test("applies to one protocol", () => {
    assert.equal(allowed([example], frontend, db, 6379, "UDP"), false);
  });
});

describe("the defaults", () => {
  const all = { podSelector: {} };

  test("allow everything without policies, and block everything for the pods that an empty policy selects", () => {
    assert.equal(allowed([], frontend, db, 1), true);
    assert.equal(allowed([policy({ ...all, policyTypes: ["Ingress"] })], frontend, db, 1), false);
    assert.equal(allowed([policy({ ...all, policyTypes: ["Ingress"] })], frontend, { ip: "10.0.0.1" }, 1), true);
    assert.equal(allowed([policy({ ...all, policyTypes: ["Egress"] })], frontend, { ip: "10.0.0.1" }, 1), false);
    assert.equal(allowed([policy(all, "other")], frontend, db, 1), true);
  });

  test("of missing types are the directions with rules, and always ingress", () => {
    const open = policy({ ...all, egress: [{}] });
    assert.equal(allowed([open], frontend, { ip: "10.0.0.1" }, 1), true);
    assert.equal(allowed([open], { ip: "10.0.0.1" }, frontend, 1), false);
    assert.equal(allowed([policy(all)], frontend, { ip: "10.0.0.1" }, 1), true);
  });

  test("of a rule are everybody without peers, and all ports without ports", () => {
    for (const from of [undefined, []]) {
      assert.equal(
        allowed([policy({ ...all, ingress: [{ ...(from && { from }) }] })], { ip: "10.0.0.1" }, db, 9),
        true,
      );
    }
  });

  test("policies are additive", () => {
    const one = (port: number) => policy({ ...all, policyTypes: ["Ingress"], ingress: [{ ports: [{ port }] }] });
    assert.equal(allowed([one(1), one(2)], frontend, db, 2), true);
    assert.equal(allowed([one(1), one(2)], frontend, db, 3), false);
  });
});

test("a port range includes both ends", () => {
  const range = policy({ podSelector: {}, ingress: [{ ports: [{ port: 10, endPort: 20 }] }] });
  const ports = [9, 10, 20, 21].map((port) => allowed([range], frontend, db, port));
  assert.deepEqual(ports, [false, true, true, false]);
});

test("expressions select by the values of a label or by its existence", () => {
  const selected = (operator: string, values?: string[]) => {
    const expression = { key: "role", operator, ...(values && { values }) };
    const one = policy({ podSelector: { matchExpressions: [expression] } });
    return [db, frontend, stranger].map((end) => selects(one, end));
  };
  assert.deepEqual(selected("In", ["db"]), [true, false, false]);
  assert.deepEqual(selected("NotIn", ["db"]), [false, true, true]);
  assert.deepEqual(selected("Exists"), [true, true, false]);
  assert.deepEqual(selected("DoesNotExist"), [false, false, true]);
});
