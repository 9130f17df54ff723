import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { argumentsIn } from "../../../rehearsal/cli/arguments.ts";

describe("the arguments of a rehearsal on an existing cluster", () => {
  it("runs every step except the drain by default", () => {
    assert.deepEqual(argumentsIn(["--context", "kind"]).cluster, {
      context: "kind",
      disposable: false,
      nodes: new Map(),
      small: false,
      steps: ["messages", "second-up", "refresh", "value", "rotation", "destroy"],
      compare: false,
    });
  });

  it("takes nodes, steps in their own order, and a node to drain", () => {
    const args = ["--context=kind", "--nodes", "node1=a,node2=b", "--drain", "a", "--steps", "destroy,drain"];
    const { cluster, whatIf } = argumentsIn(args);
    assert.deepEqual([...(cluster?.nodes ?? [])], [["node1", "a"], ["node2", "b"]]); // prettier-ignore
    assert.deepEqual([cluster?.steps, cluster?.drain, whatIf], [["drain", "destroy"], "a", undefined]);
  });

  for (const [args, message] of [
    [["--small", "--disposable"], /^--disposable and --small: need a cluster; add --context NAME$/],
    [["--context", "kind", "--nodes", "node1"], /^--nodes: "node1" is not valid; use node1=NODE,/],
    [["--context", "kind", "--nodes", "node1=a,node2=a"], /^--nodes: "node1=a,node2=a" is not valid/],
    [["--context", "kind", "--nodes", "node1=nodeX"], /^--nodes: "nodeX" is not valid; use a DNS name: lower/],
    [["--context", "kind", "--steps", "rotate"], /^--steps: "rotate" is not valid; use some of messages, second-up/],
    [["--context", "kind", "--steps", "drain"], /; drain needs --drain NODE$/],
    [["--context", "kind", "--drain", "a,b"], /^--drain: "a,b" is not valid with --context; use one node$/],
    [["--context", "kind", "--lose", "a"], /^--lose: only simulated nodes can fail/],
    [["--stand-ins", "--no-stand-ins"], /^--stand-ins and --no-stand-ins: exclude each other; use one of them$/],
  ] satisfies [string[], RegExp][]) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => argumentsIn(args), { name: "RehearsalError", message });
    });
  }
});
