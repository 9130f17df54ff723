import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { dockerConfig } from "../../settings/pullCredentials.ts";
import { faults } from "../support/faults.ts";
import { stackConfig } from "../support/stackFile.ts";

const auth = "cHVsbDpwbGFpbg=="; // pull:plain

describe("a Docker configuration", () => {
  for (const config of [
    { auths: { "r.example.com": { auth } } },
    { auths: { "r.example.com": { auth, email: "x" } }, other: 1 },
    { auths: { "r.example.com": { username: "pull", password: "plain" } } },
    { auths: { "a.example.com": {}, "r.example.com": { auth } }, credsStore: "desktop" },
  ]) {
    test(`with credentials is accepted: ${JSON.stringify(config)}`, () => {
      assert.ok(dockerConfig.safeParse(JSON.stringify(config)).success);
    });
  }

  const told = (json: string) => dockerConfig.safeParse(json).error?.issues.map(({ message }) => message);

  for (const json of [
    "",
    "{}",
    "not json",
    '{"auths":[]}',
    '{"auths":{"r":"x"}}',
    "null",
    '{"auths":{"r":{"auth":1}}}',
  ]) {
    test(`is not ${json}`, () => {
      assert.deepEqual(told(json), ['a Docker configuration: {"auths": {"registry.example.com": {"auth": "..."}}}']);
    });
  }

  for (const auths of [
    {},
    { r: {} },
    { r: { auth: "" } },
    { r: { auth: "eA==" } },
    { r: { auth: "!" } },
    { r: { username: "x" } },
  ]) {
    test(`without credentials is refused with a way to create one: ${JSON.stringify(auths)}`, () => {
      const [line = ""] = told(JSON.stringify({ auths })) ?? [];
      assert.match(
        line,
        /^a Docker configuration with credentials: this one has none\. To create one: kubectl create secret docker-registry /,
      );
    });
  }

  for (const keeper of [{ credsStore: "desktop" }, { credHelpers: { "r.example.com": "pass" } }]) {
    test(`with credentials in ${Object.keys(keeper).join()} is refused with the reason`, () => {
      const found = faults(
        stackConfig("test", {
          "pulsar:imagePullCredentials": JSON.stringify({ auths: { "r.example.com": {} }, ...keeper }),
        }),
      );
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(
        found[0] ?? "",
        /^pulsar:imagePullCredentials: the secret value is not valid; use .*this one has none, because Docker keeps them outside the file \(credsStore, credHelpers\)/,
      );
    });
  }
});

describe("pull credentials and the registries that images come from", () => {
  const warnings = (registry: string | undefined, keys: string[], images: object = {}) => {
    const auths = Object.fromEntries(keys.map((key) => [key, { auth }]));
    return parseSettings(
      stackConfig("test", {
        "pulsar:registry": registry,
        "pulsar:images": { pullSecret: "regsecret", ...images },
        "pulsar:imagePullCredentials": JSON.stringify({ auths }),
      }),
      "test",
      true,
    ).warnings.filter((line) => line.startsWith("pulsar:imagePullCredentials"));
  };
  const none = (host: string) => [
    `pulsar:imagePullCredentials: no credentials for ${host}, which images come from; nodes will pull from it without any`,
  ];

  for (const [registry, key] of [
    ["harbor.example.com/library", "harbor.example.com"],
    ["harbor.example.com/library", "https://harbor.example.com/v2/"],
    ["harbor.example.com:8443", "harbor.example.com:8443"],
    ["harbor.example.com", "*.example.com"],
    ["docker.io", "https://index.docker.io/v1/"],
    ["registry-1.docker.io", "docker.io"],
    [undefined, "https://index.docker.io/v1/"],
    [undefined, "registry.hub.docker.com"],
  ] as const) {
    test(`match: ${registry ?? "none"} and ${key}`, () => {
      assert.deepEqual(warnings(registry, ["other.example.com", key]), []);
    });
  }

  for (const [registry, key] of [
    ["harbor.example.com/library", "quay.io"],
    ["harbor.example.com:8443", "harbor.example.com"],
    ["harbor.example.com", "harbor.example.com:8443"],
    ["harbor.example.com", "docker.io"],
    ["a.b.example.com", "*.example.com"],
    ["harborxexample.com", "harbor.example.com"],
  ] as const) {
    test(`do not match: ${registry} and ${key}`, () => {
      assert.deepEqual(warnings(registry, [key]), none(registry.split("/")[0] ?? ""));
    });
  }

  test("each image may have a registry of its own", () => {
    const images = { pulsar: "quay.io/apachepulsar/pulsar-all:2.7.4" };
    assert.deepEqual(warnings(undefined, ["quay.io"], images), none("docker.io"));
  });
});
