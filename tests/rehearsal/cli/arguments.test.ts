import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { execa } from "execa";
import { argumentsIn, usage } from "../../../rehearsal/cli/arguments.ts";
import { run } from "../../../rehearsal/cli/command.ts";

const message = (...lines: string[]) => ({ name: "RehearsalError", message: lines.join("\n") });

it("an error of a command shows no secret that another program has printed", async (t) => {
  const print = t.mock.method(console, "error", () => undefined);
  const before = process.exitCode;
  t.after(() => (process.exitCode = before));
  const quoted = "pulumi stack export fails (https://user:hunter22@state.example.com: Bearer eyJhbGciOi.eyJzdWIi.c2ln)";
  await run(() => Promise.reject(new Error(quoted)), { Error: 1 });
  assert.equal(process.exitCode, 1);
  assert.deepEqual(
    print.mock.calls.map(({ arguments: [text] }) => text as string),
    ["pulumi stack export fails (https://user:[secret]@state.example.com: Bearer [secret])"],
  );

  const exit = t.mock.method(process, "exit", () => undefined as never);
  await run(() => Promise.reject(Object.assign(new Error("a bug"), { stderr: quoted })));
  assert.deepEqual(exit.mock.calls.at(-1)?.arguments, [1]);
  const shown = print.mock.calls.at(-1)?.arguments[0] as string;
  assert.match(shown, /^Error: a bug\n +at .*user:\[secret\]@/s);
  assert.doesNotMatch(shown, /hunter22|eyJ/);
});

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
      "--lose and --each-node: cannot be combined; use one of --lose, --lose-zone, --drain, --each-node",
    ],
    [["--lose", "a,"], '--lose: "a," is not valid; use names of nodes, separated by commas'],
    [["--report", "a.pdf"], '--report: "a.pdf" is not valid; use a file that ends in .md, .html, .json'],
  ] satisfies [string[], string][]) {
    it(`refuses ${args.join(" ")}`, () => {
      assert.throws(() => argumentsIn(args), { name: "RehearsalError", message });
    });
  }

  it("reports everything that it cannot read at once", () => {
    assert.throws(
      () => argumentsIn(["--loose", "a", "-x", "--lose", "--keep", "--each-node=yes", "--report="]),
      message(
        "--loose: is not an option; --help lists the options",
        '"a": is not an option; in an npm command, write options after " -- " (--help lists them)',
        "-x: is not an option; --help lists the options",
        "--lose: the value is missing before --keep; write --lose=--keep if that is the value",
        '--each-node: takes no value; remove "yes"',
        "--report: the value is missing; --help describes it",
      ),
    );
    assert.throws(() => argumentsIn(["--stack"]), message("--stack: the value is missing; --help describes it"));
  });

  it("refuses an empty value of any option", () => {
    const named = [...new Set([...usage.matchAll(/(--[a-z-]+) [A-Z]/g)].map(([, option = ""]) => option))];
    assert.equal(named.length, 13);
    for (const option of named) {
      const expected = message(`${option}: the value is missing; --help describes it`);
      for (const args of [[option, ""], [`${option}= `]]) assert.throws(() => argumentsIn(args), expected);
    }
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
      [2, "", "--lose and --drain: cannot be combined; use one of --lose, --lose-zone, --drain, --each-node"],
    );
  });
});
