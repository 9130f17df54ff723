import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PulsarCluster, Value } from "../../../model/charts/cluster.ts";
import {
  imageRef,
  imageValues,
  inRegistry,
  namesRegistry,
  publicName,
  stackImages,
} from "../../../model/charts/images.ts";
import { chartLine, supportedChartVersions } from "../../../model/charts/lines.ts";
import { clusterOf } from "./clusterOf.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const registry = "harbor.example.com:8443/library";

describe("an image", () => {
  test("has a reference with its tag, and with its digest if it is pinned", () => {
    assert.equal(imageRef({ repository: "a/b", tag: "1" }), "a/b:1");
    assert.equal(imageRef({ repository: "a/b", tag: "1", digest }), `a/b:1@${digest}`);
  });

  test("is passed to the charts so that they render the same reference", () => {
    const { repository, tag } = imageValues({ repository: "a/b", tag: "1", digest });
    assert.equal(`${repository}:${tag}`, imageRef({ repository: "a/b", tag: "1", digest }));
  });

  for (const [repository, names] of [
    ["harbor.example.com/library/pulsar", true],
    ["harbor:5000/pulsar", true],
    ["localhost/pulsar", true],
    ["apachepulsar/pulsar-all", false],
    ["localhosts/pulsar", false],
    ["pulsar.io", false],
    ["apachepulsar/pulsar.all", false],
  ] as const) {
    test(`${repository} ${names ? "names a registry" : "is on Docker Hub"}`, () => {
      assert.equal(namesRegistry(repository), names);
    });
  }

  for (const [repository, name] of [
    ["apachepulsar/pulsar-all", "docker.io/apachepulsar/pulsar-all"],
    ["busybox", "docker.io/library/busybox"],
    ["quay.io/a/b", "quay.io/a/b"],
  ] as const) {
    test(`${repository} has the public name ${name}`, () => {
      assert.equal(publicName(repository, undefined), name);
    });
  }

  test("has the same public name in the stack's registry", () => {
    assert.equal(publicName(inRegistry("a/b", registry), registry), "docker.io/a/b");
    assert.equal(publicName(inRegistry("b", registry), registry), "docker.io/library/b");
    assert.equal(inRegistry("a/b", undefined), "a/b");
  });
});

for (const version of supportedChartVersions) {
  describe(`chart ${version}`, () => {
    const line = chartLine(version);

    test("gets the stack's images and no others", () => {
      const cluster = clusterOf(version, { "pulsar:registry": "" });
      assert.deepEqual(imagesOf(line.values(cluster)), listed(cluster));
    });

    test("gets their digests", () => {
      const images = {
        pulsar: `a/pulsar:1@${digest}`,
        manager: `a/manager:${line.images.manager.tag}@${digest}`,
        pullSecret: "regsecret",
      };
      const cluster = clusterOf(version, { "pulsar:images": images, "pulsar:registry": registry });
      const named = [images.manager, images.pulsar].map((image) => `${registry}/${image}`);
      assert.deepEqual(listed(cluster), named);
      assert.deepEqual(
        imagesOf(line.values(cluster)).filter((image) => image.includes(":1@") || image.includes("manager")),
        named,
      );
    });

    test("uses the stack's registry for every repository", () => {
      const repositories = imagesOf(line.values(clusterOf(version, { "pulsar:registry": registry })));
      assert.ok(repositories.length >= 2);
      for (const repository of repositories) assert.ok(repository.startsWith(`${registry}/`), repository);
    });
  });
}

test("chart 4.7.0 uses the stack's registry for its own images, if they are enabled", () => {
  const { images } = chartLine("4.7.0").values(clusterOf("4.7.0", { "pulsar:registry": registry }));
  const { kubectl, dekaf, oxia } = images as Record<string, Value>;
  assert.deepEqual(
    [kubectl, dekaf, oxia],
    ["alpine/k8s", "visortelle/dekaf", "oxia/oxia"].map((name) => ({ repository: `${registry}/${name}` })),
  );
});

/** The images in chart values, in order and without duplicates. Without a tag if the chart sets it. */
function imagesOf(values: Value): string[] {
  const found = (value: Value): string[] => {
    if (typeof value !== "object" || value === null) return [];
    const { repository, tag, defaultPulsarImageRepository, defaultPulsarImageTag } = value as Record<string, Value>;
    const named = [
      [repository, tag],
      [defaultPulsarImageRepository, defaultPulsarImageTag],
    ].flatMap(([name, version]) =>
      typeof name === "string" ? [typeof version === "string" ? `${name}:${version}` : name] : [],
    );
    return [...named, ...Object.values(value).flatMap(found)];
  };
  return [...new Set(found(values))].sort();
}

function listed({ images }: PulsarCluster): string[] {
  return stackImages(images)
    .map(({ image }) => imageRef(image))
    .sort();
}
