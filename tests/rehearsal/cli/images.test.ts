import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { parse } from "yaml";
import { type MirrorSettings, render } from "../../../rehearsal/report/mirror.ts";
import { stackSettings } from "../../../rehearsal/engine/stackSettings.ts";
import { fixtures } from "../../support/stackFile.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const registry = "harbor.example.com/library";

/** The settings of a stack with its images in `registry`. */
function needs(over: Partial<MirrorSettings> = {}): MirrorSettings {
  return {
    registry,
    images: {
      pulsar: { repository: `${registry}/apachepulsar/pulsar-all`, tag: "2.7" },
      manager: { repository: `${registry}/apachepulsar/pulsar-manager`, tag: "v0.2.0", digest },
    },
    chart: { version: "2.7.7", source: "https://charts.example.com", timeoutMinutes: 30 },
    ...over,
  };
}

const withoutRegistry = needs({
  registry: undefined,
  images: {
    pulsar: { repository: "pulsar-all", tag: "2.7.4" },
    manager: { repository: "quay.io/a/pulsar-manager", tag: "v0.2.0" },
  },
});

describe("the list", () => {
  it("contains every image with its public name and its name in the registry, and the chart", () => {
    assert.equal(
      render(
        "prod",
        needs({ images: { ...needs().images, manager: { ...needs().images.manager, digest: undefined } } }),
        "list",
      ),
      `Images of the stack prod
  from                                          to                                                             runs
  docker.io/apachepulsar/pulsar-all:2.7         harbor.example.com/library/apachepulsar/pulsar-all:2.7         ZooKeeper, bookies, brokers, proxies, autorecovery, toolset, all Jobs
  docker.io/apachepulsar/pulsar-manager:v0.2.0  harbor.example.com/library/apachepulsar/pulsar-manager:v0.2.0  Pulsar Manager
Chart pulsar 2.7.7
  helm pull pulsar --repo https://charts.example.com --version 2.7.7`,
    );
  });

  it("contains the digest of a pinned image on both sides", () => {
    const [from, to] = ["docker.io", registry].map((host) => `${host}/apachepulsar/pulsar-manager:v0.2.0@${digest}`);
    assert.match(render("prod", needs(), "list"), new RegExp(`^ {2}${from}  ${to}  Pulsar Manager$`, "m"));
  });

  it("reports that there is no registry to copy to", () => {
    assert.equal(
      render("test", withoutRegistry, "list"),
      `Images of the stack test
  image                               runs
  docker.io/library/pulsar-all:2.7.4  ZooKeeper, bookies, brokers, proxies, autorecovery, toolset, all Jobs
  quay.io/a/pulsar-manager:v0.2.0     Pulsar Manager
  pulsar:registry is not set, so there is nothing to copy to
Chart pulsar 2.7.7
  helm pull pulsar --repo https://charts.example.com --version 2.7.7`,
    );
  });

  for (const [source, line] of [
    ["oci://harbor.example.com/charts/pulsar", "helm pull oci://harbor.example.com/charts/pulsar --version 2.7.7"],
    ["./charts/pulsar-2.7.7.tgz", "is at ./charts/pulsar-2.7.7.tgz"],
  ] as const) {
    it(`shows the source of the chart: ${source}`, () => {
      const text = render("prod", needs({ chart: { ...needs().chart, source } }), "list");
      assert.equal(text.split("\n").at(-1), `  ${line}`);
    });
  }
});

describe("the file for skopeo sync", () => {
  it("has the images by registry, tags as strings, pinned images by digest, and the command", () => {
    const text = render("prod", needs(), "skopeo");
    assert.deepEqual(text.split("\n").slice(0, 2), [
      "# The chart of stack prod: helm pull pulsar --repo https://charts.example.com --version 2.7.7",
      "# skopeo sync --all --src yaml --dest docker THIS-FILE harbor.example.com/library/apachepulsar",
    ]);
    assert.deepEqual(parse(text), {
      "docker.io": { images: { "apachepulsar/pulsar-all": ["2.7"], "apachepulsar/pulsar-manager": [digest] } },
    });
  });

  it("is refused for images in different destination folders", () => {
    const { images } = needs();
    const other = { ...images, manager: { repository: `${registry}/mine/pulsar-manager`, tag: "v0.2.0" } };
    assert.throws(() => render("prod", needs({ images: other }), "skopeo"), {
      name: "RehearsalError",
      message:
        "--format skopeo: the images go to harbor.example.com/library/apachepulsar and harbor.example.com/library/mine, " +
        "but skopeo sync copies to one folder at a time; use --format crane",
    });
  });
});

describe("the script of crane copy", () => {
  it("copies each image, and pinned ones by digest to their tag", () => {
    assert.deepEqual(render("prod", needs(), "crane").split("\n").slice(1), [
      "crane copy docker.io/apachepulsar/pulsar-all:2.7 harbor.example.com/library/apachepulsar/pulsar-all:2.7",
      `crane copy docker.io/apachepulsar/pulsar-manager@${digest} harbor.example.com/library/apachepulsar/pulsar-manager:v0.2.0`,
    ]);
  });
});

for (const format of ["skopeo", "crane"] as const) {
  it(`--format ${format} is refused without a registry`, () => {
    assert.throws(() => render("test", withoutRegistry, format), {
      name: "RehearsalError",
      message: `--format ${format}: pulsar:registry of stack test is not set, so there is nothing to copy to`,
    });
  });
}

it("copies all images of a stack from public registries to its own", async () => {
  const text = render("prod", await stackSettings("prod", fileURLToPath(fixtures)), "crane");
  const copies = text.split("\n").flatMap((line) => /^crane copy docker\.io\/(\S+) (\S+)$/.exec(line)?.slice(1) ?? []);
  assert.equal(copies.length, 4);
  assert.deepEqual(
    [copies[1], copies[3]],
    [copies[0], copies[2]].map((name) => `${registry}/${name ?? ""}`),
  );
});

describe("npm run images", () => {
  const main = join(resolve(import.meta.dirname, "../../.."), "rehearsal/cli/images.ts");
  const run = (...args: string[]) => execa(process.execPath, [main, ...args], { reject: false });

  it("reads only the stack file", async () => {
    const { exitCode, stdout, stderr } = await run("--stack", "test");
    assert.deepEqual([exitCode, stderr], [0, ""]);
    assert.match(stdout, /^Images of the stack test\n/);
  });

  for (const [args, message] of [
    [["--format", "yaml"], /^--format: "yaml" is not valid; use one of list, skopeo, crane$/],
    [["--stack", "nobodys"], /^--stack: "nobodys" does not exist; use one of .*prod.*$/],
    [["--stck", "prod"], /^--stck: is not an option; --help lists the options\n"prod": is not an option; [^\n]+$/],
  ] as const) {
    it(`exits with 2 and the fault for ${args.join(" ")}`, async () => {
      const { exitCode, stdout, stderr } = await run(...args);
      assert.deepEqual([exitCode, stdout], [2, ""]);
      assert.match(stderr, message);
    });
  }
});
