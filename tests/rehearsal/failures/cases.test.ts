import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { failureCases, type FailureOptions } from "../../../rehearsal/failures/cases.ts";

const nodes = [
  { name: "node1", zone: "a" },
  { name: "node2", zone: "b" },
  { name: "node3", zone: "a" },
  { name: "node4" },
];

describe("failureCases", () => {
  it("keeps the given order, each node once", () => {
    assert.deepEqual(failureCases({ lose: ["node3", "node1", "node3"] }, nodes), [
      { kind: "lost", nodes: ["node3", "node1"] },
    ]);
    assert.deepEqual(failureCases({ drain: ["node2"] }, nodes), [{ kind: "drained", nodes: ["node2"] }]);
  });

  it("fails all nodes of a zone together", () => {
    assert.deepEqual(failureCases({ loseZone: "a" }, nodes), [{ kind: "lost", nodes: ["node1", "node3"], zone: "a" }]);
  });

  it("has one case for each node", () => {
    assert.deepEqual(
      failureCases({ eachNode: true }, nodes).map(({ kind, nodes: away }) => [kind, ...away]),
      nodes.map(({ name }) => ["lost", name]),
    );
  });

  for (const [question, message] of [
    [{ lose: ["node1", "node9"] }, '--lose: the stack has no node "node9"; use node1, node2, node3, node4'],
    [{ drain: ["x"] }, '--drain: the stack has no node "x"; use node1, node2, node3, node4'],
    [{ loseZone: "c" }, '--lose-zone: no node of the stack is in zone "c"; use a, b'],
  ] satisfies [FailureOptions, string][]) {
    it(`refuses ${JSON.stringify(question)}`, () => {
      assert.throws(() => failureCases(question, nodes), { name: "RehearsalError", message });
    });
  }

  it("reports that there are no zones", () => {
    assert.throws(() => failureCases({ loseZone: "a" }, [{ name: "node1" }]), {
      message: '--lose-zone: no node of the stack is in zone "a"; give the nodes zones in the stack file',
    });
  });
});
