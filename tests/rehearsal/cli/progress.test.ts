import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { progressOn, silent } from "../../../rehearsal/cli/progress.ts";

/** A stream that is not a terminal, and the lines written to it, without times. */
function pipe(): { out: NodeJS.WriteStream; written: () => string } {
  const texts: string[] = [];
  const out = { isTTY: false, write: (text: string) => texts.push(text) } as unknown as NodeJS.WriteStream;
  return { out, written: () => texts.join("").replaceAll(/\d+\.\d s/g, "N s") };
}

describe("progressOn a stream that is not a terminal", () => {
  it("writes a line for each finished step, and returns the results in order", async () => {
    const { out, written } = pipe();
    let finish: (result: string) => void = () => undefined;
    const later = new Promise<string>((resolve) => (finish = resolve));
    const results = progressOn(out)<[string, number]>(
      { title: "slow", work: () => later },
      { title: "fast", work: async () => 2 },
    );
    await new Promise(setImmediate);
    assert.equal(written(), "fast (N s)\n");
    finish("one");
    assert.deepEqual(await results, ["one", 2]);
    assert.equal(written(), "fast (N s)\nslow (N s)\n");
  });

  it("prints the lines that a step logs only if it is verbose", async () => {
    const { out, written } = pipe();
    const work = async (tell: (line: string) => void) => {
      tell("building");
    };
    const progress = progressOn(out);
    await progress({ title: "tools", work, verbose: true });
    await progress({ title: "up", work });
    assert.equal(written(), "  building\ntools (N s)\nup (N s)\n");
  });

  it("rejects with the error of a step, and prints nothing about it", async () => {
    const { out, written } = pipe();
    const work = async () => {
      throw new Error("no such host");
    };
    await assert.rejects(progressOn(out)({ title: "up", work }), /^Error: no such host$/);
    assert.equal(written(), "");
  });
});

describe("silent", () => {
  it("returns the results", async () => {
    assert.deepEqual(await silent({ title: "a", work: async () => 1 }), [1]);
  });
});
