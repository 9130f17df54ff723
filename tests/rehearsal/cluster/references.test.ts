import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { missing, referencesOf } from "../../../rehearsal/cluster/references.ts";

const pod = (name: string, spec: Parameters<typeof referencesOf>[0]["spec"]) => ({ metadata: { name }, spec });

const broker = (name: string) =>
  pod(name, {
    initContainers: [{ name: "wait", envFrom: [{ configMapRef: { name: "broker" } }] }],
    containers: [
      {
        name: "broker",
        envFrom: [{ secretRef: { name: "extra", optional: true } }],
        env: [
          { name: "PLAIN", value: "x" },
          { name: "TOKEN", valueFrom: { secretKeyRef: { name: "token", key: "TOKEN" } } },
          { name: "MODE", valueFrom: { configMapKeyRef: { name: "broker", key: "mode" } } },
        ],
      },
    ],
    volumes: [
      { name: "keys", secret: { secretName: "keys", items: [{ key: "PUBLICKEY", path: "public.key" }] } },
      { name: "conf", configMap: { name: "conf" } },
      { name: "data", persistentVolumeClaim: { claimName: "data" } },
      { name: "all", projected: { sources: [{ secret: { name: "projected", items: [{ key: "a", path: "a" }] } }] } },
    ],
  });

describe("findMissing", () => {
  const everything = {
    "ConfigMap broker": ["mode"],
    "ConfigMap conf": [],
    "Secret token": ["TOKEN", "TYPE"],
    "Secret keys": ["PUBLICKEY"],
    "Secret projected": ["a"],
  };

  it("finds nothing if everything exists except optional objects", () => {
    assert.deepEqual(missing([broker("broker-0")], everything), []);
  });

  it("reports a missing object once, with all pods that need it", () => {
    const rest = Object.fromEntries(Object.entries(everything).filter(([name]) => name !== "ConfigMap broker"));
    assert.deepEqual(missing([broker("broker-10"), broker("broker-9")], rest), [
      "ConfigMap broker does not exist; without it a kubelet starts no container of broker-9 and broker-10",
    ]);
  });

  it("reports a missing key of an object, in environment and volumes", () => {
    const without = {
      ...everything,
      "Secret token": ["TYPE"],
      "Secret keys": [],
      "Secret projected": [],
      "ConfigMap broker": [],
    };
    assert.deepEqual(
      missing([broker("b")], without).map((line) => line.slice(0, line.indexOf(";"))),
      [
        "ConfigMap broker has no key mode",
        "Secret keys has no key PUBLICKEY",
        "Secret projected has no key a",
        "Secret token has no key TOKEN",
      ],
    );
  });

  it("accepts pods without references", () => {
    assert.deepEqual(referencesOf({}), []);
  });
});
