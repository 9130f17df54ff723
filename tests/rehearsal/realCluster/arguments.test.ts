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
    [["--small", "--disposable"], /^--disposable and --small: found no --context; name the cluster$/],
    [["--context", "kind", "--nodes", "node1"], /^--nodes: found "node1"; allowed: node1=NODE,/],
    [["--context", "kind", "--nodes", "node1=a,node2=a"], /^--nodes: found "node1=a,node2=a"/],
    [["--context", "kind", "--steps", "rotate"], /^--steps: found "rotate"; allowed: some of messages, second-up/],
    [["--context", "kind", "--steps", "drain"], /; drain needs --drain NODE$/],
    [["--context", "kind", "--drain", "a,b"], /^--drain: found "a,b"; allowed with --context: one node$/],
    [["--context", "kind", "--lose", "a"], /^--lose: only simulated nodes can fail/],
    [["--stand-ins", "--no-stand-ins"], /^found --stand-ins and --no-stand-ins; allowed: one of them$/],
  ] satisfies [string[], RegExp][]) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => argumentsIn(args), { name: "RehearsalError", message });
    });
  }
});
