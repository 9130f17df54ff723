import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { execa } from "execa";
import { announcement, buildFlags, buildTools, goName, progressOf } from "../../rehearsal/tools/build.ts";
import { cacheFolder, store, withScratch } from "../../rehearsal/tools/cache.ts";
import { checksumOf, download, releaseOf } from "../../rehearsal/tools/download.ts";
import { versionIn, which } from "../../rehearsal/tools/findTool.ts";
import { RehearsalError } from "../../rehearsal/engine/fault.ts";
import { goVersion, isSuitable, readPins, toolNames, type Pin } from "../../rehearsal/tools/pins.ts";
import { findPlugins, providerVersions } from "../../rehearsal/tools/plugins.ts";
import { descendantsOf, awaitSession, killSession, membersOf } from "../../rehearsal/tools/processes.ts";
import { prepareTools } from "../../rehearsal/tools/tools.ts";
import { waitFor } from "../../rehearsal/cluster/waiting.ts";

const { signal: never } = new AbortController();

async function scratch(context: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "tools-test-"));
  context.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Sets environment variables for the duration of one test. */
function setEnv(context: TestContext, variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    context.after(() => {
      if (before === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before;
    });
  }
}

async function executable(file: string, script: string): Promise<string> {
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

async function gone(session: number): Promise<void> {
  await waitFor(async () => (membersOf(session).length === 0 ? true : undefined), {
    what: "the end",
    limit: 5000,
    every: 5,
  });
}

describe("pins", () => {
  test("every tool has its version from go.mod, and all Kubernetes programs have the same", () => {
    const pins = readPins();
    for (const name of toolNames) assert.match(pins[name].version, /^\d+\.\d+\.\d+$/, name);
    assert.equal(pins["kube-scheduler"].version, pins["kube-apiserver"].version);
    assert.equal(pins["kube-apiserver"].command, "k8s.io/kubernetes/cmd/kube-apiserver");
    assert.equal(pins.etcd.command, "go.etcd.io/etcd/server/v3");
    assert.match(goVersion(), /^1\.\d+\.\d+$/);
  });

  test("Kubernetes' libraries are replaced by those of the same release", async () => {
    const goMod = await readFile("rehearsal/tools/go/go.mod", "utf8");
    const release = readPins()["kube-apiserver"].version.replace(/^1\./, "v0.");
    const replaced = [...goMod.matchAll(/^\s*(k8s\.io\/\S+) => (\S+) (\S+)$/gm)];
    assert.ok(replaced.length > 20);
    for (const [, module, by, version] of replaced) assert.deepEqual([by, version], [module, release]);
  });

  test("a missing module in go.mod is reported by name", () => {
    assert.throws(
      () => readPins("module x\nrequire helm.sh/helm/v3 v3.1.0\n"),
      /go\.mod requires no github\.com\/pulumi/,
    );
  });

  const pin = (name: Pin["name"], version: string): Pin => ({ name, version, command: "" });
  const cases: [Pin, string, boolean][] = [
    [pin("kube-apiserver", "1.37.2"), "1.37.2", true],
    [pin("kube-apiserver", "1.37.2"), "1.37.3", false],
    [pin("pulumi", "3.250.0"), "3.270.1", true],
    [pin("pulumi", "3.250.0"), "3.249.9", false],
    [pin("helm", "3.22.0"), "4.0.0", false],
    [pin("kwok", "0.8.0"), "0.8.1", true],
    [pin("kwok", "0.8.0"), "0.9.0", false],
  ];
  for (const [wanted, found, suitable] of cases) {
    test(`${wanted.name} ${found} ${suitable ? "is suitable" : "is not suitable"} for ${wanted.version}`, () => {
      assert.equal(isSuitable(wanted, found), suitable);
    });
  }
});

describe("tools on the machine", () => {
  const outputs: [string, string | undefined][] = [
    ["v3.250.0\n", "3.250.0"],
    ["Kubernetes v1.37.2", "1.37.2"],
    ["etcd Version: 3.7.0\nGit SHA: x\nGo Version: go1.26.8", "3.7.0"],
    ["kwok version v0.8.0 go1.26.8 (linux/amd64)", "0.8.0"],
    ['version.BuildInfo{Version:"v3.22.0", GitCommit:"", GoVersion:"go1.26.8"}', "3.22.0"],
    ["command not found", undefined],
  ];
  for (const [output, version] of outputs) {
    test(`the version in ${JSON.stringify(output)}`, () => {
      assert.equal(versionIn(output), version);
    });
  }

  test("the first executable file on PATH is used, not a folder or a text file of that name", async (context) => {
    const dir = await scratch(context);
    await mkdir(join(dir, "a/helm"), { recursive: true });
    await mkdir(join(dir, "b"));
    await mkdir(join(dir, "c"));
    await writeFile(join(dir, "b/helm"), "");
    await executable(join(dir, "c/helm"), "");
    assert.equal(
      await which("helm", ["a", "", "b", "c"].map((name) => name && join(dir, name)).join(":")),
      join(dir, "c/helm"),
    );
    assert.equal(await which("helm", join(dir, "b")), undefined);
  });

  test("suitable tools are taken from PATH, then from the cache", async (context) => {
    const dir = await scratch(context);
    const pins = readPins();
    for (const name of toolNames) await executable(join(dir, name), `echo "v${pins[name].version}"`);
    setEnv(context, { PATH: `${dir}:${process.env["PATH"] ?? ""}`, XDG_CACHE_HOME: join(dir, "cache") });
    const { tools, report } = await prepareTools({ log: (line) => assert.fail(line), signal: never });
    assert.deepEqual(Object.keys(tools), toolNames);
    assert.equal(tools.etcd, join(dir, "etcd"));
    assert.deepEqual([...new Set(report.map(({ origin }) => origin))], ["found"]);
  });
});

describe("releases", () => {
  const pins = readPins();

  test("have URLs for this platform", () => {
    const kubernetes = pins["kube-apiserver"].version;
    assert.equal(
      releaseOf(pins["kube-apiserver"], "linux", "x64")?.url,
      `https://dl.k8s.io/v${kubernetes}/bin/linux/amd64/kube-apiserver`,
    );
    assert.match(releaseOf(pins.pulumi, "darwin", "arm64")?.url ?? "", /-darwin-arm64\.tar\.gz$/);
    assert.match(releaseOf(pins.pulumi, "linux", "x64")?.url ?? "", /-linux-x64\.tar\.gz$/);
    assert.match(releaseOf(pins.helm, "linux", "x64")?.url ?? "", /-linux-amd64\.tar\.gz$/);
  });

  test("without a checksum or for another platform are not downloaded", () => {
    assert.equal(releaseOf(pins.kwok, "linux", "x64"), undefined);
    assert.equal(releaseOf(pins["kube-scheduler"], "darwin", "arm64"), undefined);
    assert.equal(releaseOf(pins.helm, "win32", "x64"), undefined);
    assert.equal(releaseOf(pins.helm, "linux", "ppc64"), undefined);
  });

  const sum = "0123456789abcdef".repeat(4);
  test("have their checksum in the only line or in the line of the file", () => {
    assert.equal(checksumOf("kube-scheduler", sum), sum);
    assert.equal(checksumOf("a.tar.gz", `${sum.replaceAll("0", "1")}  b.tar.gz\n${sum}  a.tar.gz\n`), sum);
    assert.equal(checksumOf("a.tar.gz", `${sum} *a.tar.gz\n`), sum);
    assert.equal(checksumOf("a.tar.gz", `${sum}  b.tar.gz\n${sum}  c.tar.gz\n`), undefined);
    assert.equal(checksumOf("a.tar.gz", "<html>moved</html>"), undefined);
  });

  test("are kept only if they match their checksum", async (context) => {
    const dir = await scratch(context);
    const content = "#!/bin/sh\n";
    const right = createHash("sha256").update(content).digest("hex");
    const server = createServer((request, response) => {
      const body = { "/tool": content, "/right": right, "/wrong": right.replaceAll(/[0-9]/g, "0") }[request.url ?? ""];
      response.writeHead(body === undefined ? 404 : 200).end(body);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    context.after(() => server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const release = (checksums: string): { url: string; checksums: string } => ({
      url: `${base}/tool`,
      checksums: `${base}/${checksums}`,
    });

    const [file = ""] = await download(release("right"), dir, never);
    assert.equal(await readFile(file, "utf8"), content);
    await assert.rejects(download(release("wrong"), dir, never), /does not match its published SHA-256/);
    await assert.rejects(download(release("absent"), dir, never), /absent answers 404/);
  });
});

describe("builds", () => {
  const pins = readPins();

  test("go names a command after its path, without the major version", () => {
    assert.equal(goName("go.etcd.io/etcd/server/v3"), "server");
    assert.equal(goName("helm.sh/helm/v3/cmd/helm"), "helm");
  });

  test("the versions are set in the tools", () => {
    const flags = buildFlags(pins).join(" ");
    assert.ok(flags.includes(`version.Version=${pins.pulumi.version}`));
    assert.ok(flags.includes(`k8s.io/component-base/version.gitVersion=v${pins["kube-apiserver"].version}`));
  });

  test("a missing or outdated Go is reported in one line with what is needed", async (context) => {
    const dir = await scratch(context);
    const build = () => buildTools([pins.helm], { pins, scratch: dir, log: () => undefined, signal: never });
    setEnv(context, { PATH: dir });
    const oneLine = (words: RegExp) => (fault: unknown) =>
      fault instanceof RehearsalError && words.test(fault.message) && !fault.message.includes("\n");
    await assert.rejects(
      build,
      oneLine(/^Go 1\.\d+\.\d+ or later is needed to build helm 3\.\S+, but there is no go on PATH; install/),
    );
    await executable(
      join(dir, "go"),
      'echo "go: go.mod requires go >= 1.26.0 (running go 1.22.1; GOTOOLCHAIN=local)" >&2; exit 1',
    );
    await assert.rejects(build, oneLine(/but the go on PATH is 1\.22\.1; install/));
  });

  test("a build announces its steps, and does not count packages that are never compiled", async (context) => {
    const dir = await scratch(context);
    const script = `case "$1 $2" in
      "list -m") ;;
      "list -deps") echo unsafe; echo fmt; echo main ;;
      build*) echo "$*" >${dir}/arguments; while [ "$1" != -o ]; do shift; done; echo fmt >&2; echo main >&2; echo built >"$2/helm" ;;
    esac`;
    await executable(join(dir, "go"), script);
    setEnv(context, { PATH: dir });
    const before: string[] = [];
    const [file = ""] = await buildTools([pins.helm], {
      pins,
      scratch: dir,
      log: (line) => {
        if (!existsSync(join(dir, "arguments"))) before.push(line);
      },
      signal: never,
    });
    assert.equal(await readFile(file, "utf8"), "built\n");
    assert.equal(before.length, 2);
    assert.match(before[0] ?? "", /^downloading the Go modules of helm/);
    assert.match(before[1] ?? "", /^compiling helm: 2 packages, about 1 minute on /);
  });

  test("the announcement of a build depends on the number of cores", () => {
    assert.match(announcement("helm", 4132, 2), /^compiling helm: 4132 packages, about 8 minutes on 2 cores, /);
    assert.match(announcement("helm", 200, 1), /200 packages, about 1 minute on 1 core, /);
  });

  const all = Array.from({ length: 7 }, (_, i) => i * 100);
  const progress: [string, number[], string][] = [
    [
      "the announced time before there is a rate",
      all.slice(0, 6),
      "500 of 4132 packages compiled; the whole build takes about 8 minutes on 2 cores",
    ],
    ["the time left at the rate of the last minute", all, "600 of 4132 packages compiled, about 6 minutes left"],
    [
      "a slower minute after a faster one",
      [0, 3000, ...all.map((compiled) => 3000 + compiled / 10)],
      "3060 of 4132 packages compiled, about 18 minutes left",
    ],
    ["no time where nothing moves", Array<number>(8).fill(5), "5 of 4132 packages compiled"],
    ["the last minute", [...all, 4000], "4000 of 4132 packages compiled, about 1 minute left"],
    ["what comes after the last package", [...all, 4132], "4132 packages compiled, linking"],
  ];
  for (const [what, history, line] of progress) {
    test(`a build reports ${what}`, () => {
      assert.equal(progressOf(history, 4132, 2), line);
    });
  }

  test("an aborted build ends with its child processes", async (context) => {
    const dir = await scratch(context);
    const pidFile = join(dir, "pid");
    await executable(join(dir, "go"), `case "$1" in build) /bin/sleep 60 & echo $$ > ${pidFile}; wait ;; esac`);
    setEnv(context, { PATH: dir });
    const controller = new AbortController();
    const building = buildTools([pins.helm], { pins, scratch: dir, log: () => undefined, signal: controller.signal });
    const session = await waitFor(async () => Number(await readFile(pidFile, "utf8")) || undefined, {
      what: "the build's start",
      limit: 10_000,
      every: 10,
    });
    controller.abort(new Error("interrupted"));
    await assert.rejects(building, /^Error: interrupted$/);
    await gone(session);
  });
});

describe("cache", () => {
  test("is in the platform's cache folder", () => {
    assert.equal(cacheFolder("linux", {}, "/home/me"), "/home/me/.cache/pulsar-stack");
    assert.equal(cacheFolder("darwin", {}, "/Users/me"), "/Users/me/Library/Caches/pulsar-stack");
    assert.equal(cacheFolder("linux", { XDG_CACHE_HOME: "/var/cache/me" }, "/home/me"), "/var/cache/me/pulsar-stack");
  });

  test("has no incomplete files, even after a killed run", async (context) => {
    const dir = await scratch(context);
    await mkdir(join(dir, "scratch-killed"));
    await utimes(join(dir, "scratch-killed"), 0, 0);
    await mkdir(join(dir, "scratch-of-another-run"));
    const failing = withScratch(dir, async (folder) => {
      await writeFile(join(folder, "half"), "");
      throw new Error("no space");
    });
    await assert.rejects(failing, /no space/);
    assert.deepEqual(await readdir(dir), ["scratch-of-another-run"]);
  });

  test("replaces files by newer ones", async (context) => {
    const dir = await scratch(context);
    await writeFile(join(dir, "helm"), "old");
    await withScratch(dir, async (folder) => {
      await writeFile(join(folder, "helm"), "new");
      await store([join(folder, "helm")], dir);
    });
    assert.equal(await readFile(join(dir, "helm"), "utf8"), "new");
  });
});

describe("processes", () => {
  test("a session is killed with all its process groups", async () => {
    // With job control, bash gives each job a separate process group, as Pulumi does with its plugins.
    const leader = spawn("bash", ["-c", "set -m; sleep 60 & sleep 60 & echo ready; wait"], {
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(leader.stdout, "data");
    const pid = leader.pid ?? 0;
    assert.equal(membersOf(pid).length, 3);
    killSession(pid);
    await gone(pid);
  });

  test("the remaining processes of a session are killed after its leader has ended", async () => {
    const child = execa("bash", ["-c", "set -m; sleep 60 & exit 3"], { detached: true, reject: false });
    const { pid = 0 } = child;
    const { exitCode } = await awaitSession(child, undefined);
    assert.equal(exitCode, 3);
    await gone(pid);
  });

  test("the descendants of a process in the output of ps", () => {
    const ps = "    1     0\n   20     1\n   30    20\n   25    30\n   40     1\n";
    assert.deepEqual(descendantsOf(20, ps), [20, 30, 25]);
    assert.deepEqual(descendantsOf(99, ps), []);
  });
});

describe("plugins", () => {
  test("have the exact versions of their SDKs", () => {
    const dependencies = { "@pulumi/kubernetes": "4.1.0", "@pulumi/tls": "5.2.0", "@pulumi/postgresql": "3.3.0" };
    assert.deepEqual(providerVersions(JSON.stringify({ dependencies })), {
      kubernetes: "4.1.0",
      tls: "5.2.0",
      postgresql: "3.3.0",
    });
    const loose = { ...dependencies, "@pulumi/tls": "^5.2.0" };
    assert.throws(
      () => providerVersions(JSON.stringify({ dependencies: loose })),
      /exact version of @pulumi\/tls, not on \^5\.2\.0/,
    );
  });

  test("are official if they are complete, and otherwise stand-ins", async (context) => {
    const dir = await scratch(context);
    setEnv(context, { PULUMI_HOME: join(dir, "home"), XDG_CACHE_HOME: join(dir, "cache"), PATH: dir });
    // No server is reached.
    context.mock.method(globalThis, "fetch", () => Promise.reject(new Error("offline")));
    const versions = providerVersions(await readFile("package.json", "utf8"));
    const plant = async (home: string, name: "kubernetes" | "tls" | "postgresql"): Promise<string> => {
      const folder = join(home, "plugins", `resource-${name}-v${versions[name]}`);
      await mkdir(folder, { recursive: true });
      await executable(join(folder, `pulumi-resource-${name}`), "");
      return folder;
    };
    const kubernetes = await plant(join(dir, "home"), "kubernetes");
    const tls = await plant(join(dir, "cache/pulsar-stack/pulumi"), "tls");
    await writeFile(`${await plant(join(dir, "home"), "postgresql")}.partial`, "");
    const pulumi = { file: await executable(join(dir, "pulumi"), ""), version: "3.250.0" };
    const find = (use?: "always" | "never") =>
      findPlugins({ pulumi, standIns: "/stand-ins", log: () => undefined, signal: never, use });

    assert.deepEqual(await find(), [
      { name: "nodejs", version: "3.250.0", origin: "stand-in", folder: "/stand-ins" },
      { name: "kubernetes", version: versions.kubernetes, origin: "found", folder: kubernetes },
      { name: "tls", version: versions.tls, origin: "cached", folder: tls },
      { name: "postgresql", version: versions.postgresql, origin: "stand-in", folder: "/stand-ins" },
    ]);
    await assert.rejects(find("never"), {
      name: "RehearsalError",
      message: new RegExp(
        `^--no-stand-ins: the plugins nodejs 3.250.0, postgresql ${versions.postgresql} are not available; `,
      ),
    });
    await executable(join(dir, "pulumi-language-nodejs"), "");
    await executable(join(dir, "pulumi-resource-postgresql"), "");
    const found = await find("never");
    assert.deepEqual(found[0], { name: "nodejs", version: "3.250.0", origin: "found", folder: dir });
    assert.deepEqual(found[3], { name: "postgresql", version: `of PATH (${dir})`, origin: "found", folder: dir });
    assert.ok((await find("always")).every(({ origin }) => origin === "stand-in"));
  });
});
