import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { RehearsalError } from "../../../rehearsal/engine/fault.ts";
import { classpath, javaVersion, mavenFault } from "../../../rehearsal/pulsar/classpath.ts";
import { openWorkspace } from "../../../rehearsal/engine/workspace.ts";

describe("javaVersion", () => {
  test("returns the major version of old and new version numbers", () => {
    assert.equal(javaVersion('openjdk version "17.0.15" 2025-04-15'), 17);
    assert.equal(javaVersion('java version "1.8.0_402"'), 8);
    assert.equal(javaVersion('openjdk version "25" 2025-09-16'), 25);
    assert.equal(javaVersion("command not found"), undefined);
  });
});

describe("mavenFault", () => {
  test("returns the first error line of Maven, with or without colors", () => {
    const output =
      "\u001b[0m[ERROR] Could not find artifact x:y:jar:1 -> [Help 1]\n[ERROR] \n[ERROR] Re-run Maven with -e\n";
    assert.equal(mavenFault(output), "Could not find artifact x:y:jar:1 -> [Help 1]");
    assert.equal(mavenFault("killed"), "killed");
    assert.equal(mavenFault(""), "it printed nothing");
  });
});

describe("classpath", () => {
  /** Its error if PATH has only these programs. */
  async function faultWith(programs: Record<string, string>): Promise<string> {
    const workspace = await openWorkspace();
    const { PATH, XDG_CACHE_HOME } = process.env;
    try {
      const bin = await workspace.folder("bin");
      for (const [name, script] of Object.entries(programs)) {
        await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
        await chmod(join(bin, name), 0o755);
      }
      process.env["PATH"] = workspace.env["PATH"] = bin;
      process.env["XDG_CACHE_HOME"] = await workspace.folder("cache");
      const fault: unknown = await classpath("server", workspace).catch((cause: unknown) => cause);
      assert.ok(fault instanceof RehearsalError);
      return fault.message;
    } finally {
      process.env["PATH"] = PATH;
      if (XDG_CACHE_HOME === undefined) delete process.env["XDG_CACHE_HOME"];
      else process.env["XDG_CACHE_HOME"] = XDG_CACHE_HOME;
      await workspace.close();
    }
  }

  const java17 = `echo 'openjdk version "17.0.15"' >&2`;

  test("reports what is missing or too old", async () => {
    assert.match(await faultWith({}), /^there is no java on PATH; install Java 17 or later/);
    const java11 = `echo 'openjdk version "11.0.2"' >&2`;
    assert.match(await faultWith({ java: java11 }), /^the java on PATH is Java 11; install Java 17 or later/);
    assert.match(await faultWith({ java: "exit 1" }), /^the java on PATH does not report its version; /);
    assert.match(await faultWith({ java: java17 }), /there is no mvn on PATH/);
  });

  test("reports what Maven could not download", async () => {
    const mvn = "echo '[ERROR] Could not find artifact a:b:jar:1'; exit 1";
    assert.equal(
      await faultWith({ java: java17, mvn }),
      "Maven could not download Pulsar's classes: Could not find artifact a:b:jar:1",
    );
  });
});
