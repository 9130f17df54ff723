import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { execa } from "execa";
import { argumentsIn } from "../../../rehearsal/cli/arguments.ts";

describe("argumentsIn", () => {
  it("has defaults", () => {
    assert.deepEqual(argumentsIn([]), { help: false, keep: false, reports: [] });
  });

  it("parses stack, chart and reports", () => {
    const args = ["--stack", "prod", "--chart", "../chart", "--keep", "--report", "a.md", "--report", "out/b.html"];
    assert.deepEqual(argumentsIn(args), {
      help: false,
      keep: true,
      stack: "prod",
      chart: "../chart",
      reports: ["a.md", "out/b.html"],
    });
  });

  it("parses nodes separated by commas", () => {
    assert.deepEqual(argumentsIn(["--lose", "node1, node2"]).whatIf, { lose: ["node1", "node2"] });
    assert.deepEqual(argumentsIn(["--drain=node1"]).whatIf, { drain: ["node1"] });
    assert.deepEqual(argumentsIn(["--lose-zone", "a"]).whatIf, { loseZone: "a" });
    assert.deepEqual(argumentsIn(["--each-node"]).whatIf, { eachNode: true });
  });

  for (const [args, message] of [
    [
      ["--lose", "a", "--each-node"],
      "--lose and --each-node cannot be combined; use one of --lose, --lose-zone, --drain, --each-node",
    ],
    [["--lose", "a,"], '--lose: "a," is not valid; use names of nodes, separated by commas'],
    [["--drain", ""], '--drain: "" is not valid; use names of nodes, separated by commas'],
    [["--report", "a.pdf"], '--report: "a.pdf" is not valid; use a file that ends in .md or .html'],
  ] satisfies [string[], string][]) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => argumentsIn(args), { name: "RehearsalError", message });
    });
  }

  it("refuses unknown options and refers to --help", () => {
    assert.throws(() => argumentsIn(["--loose", "a"]), /Unknown option '--loose'.*--help lists the options/);
  });
});

describe("npm run rehearse", () => {
  it("exits with 2 and one line for invalid arguments, before anything is started", async () => {
    const main = join(resolve(import.meta.dirname, "../../.."), "rehearsal/cli/main.ts");
    const { exitCode, stdout, stderr } = await execa(process.execPath, [main, "--lose", "a", "--drain", "b"], {
      reject: false,
    });
    assert.deepEqual(
      [exitCode, stdout, stderr],
      [2, "", "--lose and --drain cannot be combined; use one of --lose, --lose-zone, --drain, --each-node"],
    );
  });
});
