import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tlsSchema } from "../../../model/tlsSettings.ts";
import { argumentsIn } from "../../../rehearsal/cli/arguments.ts";
import { stepsFor } from "../../../rehearsal/realCluster/arguments.ts";

describe("the arguments of a rehearsal on an existing cluster", () => {
  const tls = (given: object) => ({ tls: { ...tlsSchema.parse({}), enabled: false, trusted: [1], ...given } });
  const steps = (args: string[], given: object) => {
    const { cluster } = argumentsIn(["--context", "kind", ...args]);
    assert.ok(cluster);
    return stepsFor(cluster, tls(given));
  };

  it("runs every step that applies to the stack by default", () => {
    assert.deepEqual(argumentsIn(["--context", "kind"]).cluster, {
      context: "kind",
      disposable: false,
      nodes: new Map(),
      small: false,
      compare: false,
    });
    const usual = ["messages", "second-up", "refresh", "value", "rotation"];
    for (const [args, given, more] of [
      [[], {}, []],
      [["--drain", "a"], { enabled: true }, ["renewal", "ca-rotation", "drain"]],
      [[], { enabled: true, issuer: "secrets" }, ["renewal"]],
    ] satisfies [string[], object, string[]][]) {
      assert.deepEqual(steps(args, given), { steps: [...usual, ...more, "destroy"], faults: [] });
    }
  });

  it("refuses chosen steps that do not apply to the stack", () => {
    const { faults } = steps(["--steps", "messages,renewal,ca-rotation,drain"], {});
    assert.deepEqual(faults, [
      "--steps: drain needs --drain NODE; set it, or leave the step out",
      "--steps: renewal needs pulsar:tls.enabled; set it, or leave the step out",
      "--steps: ca-rotation needs pulsar:tls.enabled with the issuer stack; set it, or leave the step out",
    ]);
    const own = { enabled: true, issuer: "cert-manager" };
    assert.match(steps(["--steps", "renewal,ca-rotation"], own).faults.join("\n"), /^--steps: ca-rotation needs .*$/);
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
    [["--context", "kind", "--drain", "a,b"], /^--drain: "a,b" is not valid with --context; use one node$/],
    [["--context", "kind", "--lose", "a"], /^--lose: only simulated nodes can fail/],
    [["--stand-ins", "--no-stand-ins"], /^--stand-ins and --no-stand-ins: exclude each other; use one of them$/],
  ] satisfies [string[], RegExp][]) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => argumentsIn(args), { name: "RehearsalError", message });
    });
  }
});
