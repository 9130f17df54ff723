import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { sourceHash } from "../../../model/charts/sourceHash.ts";

const files = {
  postrender: '#!/usr/bin/env node\nimport { a } from "./a.ts";\na();\n',
  "a.ts": 'import {\n  b,\n} from "./b.ts";\nimport type { T } from "./types.ts";\nexport const a = () => b as T;\n',
  "b.ts": 'export { c as b } from "./c.ts";\n',
  "c.ts": 'import { a } from "./a.ts";\nimport { stringify } from "yaml";\nexport const c = [a, stringify];\n',
  "types.ts": "export type T = unknown;\n",
};

async function hashOf(changed: Partial<Record<keyof typeof files, string>> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "source-"));
  try {
    for (const [name, text] of Object.entries({ ...files, ...changed })) await writeFile(join(directory, name), text);
    return sourceHash(pathToFileURL(join(directory, "postrender")));
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe("the hash of a program's source", () => {
  test("is the same in another directory and with other line endings", async () => {
    const crlf = Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replaceAll("\n", "\r\n")]));
    assert.equal(await hashOf(), await hashOf());
    assert.equal(await hashOf(crlf), await hashOf());
  });

  for (const name of ["postrender", "a.ts", "b.ts", "c.ts"] as const) {
    test(`changes with ${name}`, async () => {
      assert.notEqual(await hashOf({ [name]: `${files[name]}// changed\n` }), await hashOf());
    });
  }

  test("does not depend on a file of which only types are imported", async () => {
    assert.equal(await hashOf({ "types.ts": "export type T = string;\n" }), await hashOf());
  });
});
