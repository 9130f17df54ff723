import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { type Cases, hasOneFault } from "../support/faults.ts";
import { stackConfig } from "../support/stackFile.ts";

const tlsOf = (tls: object) => parseSettings(stackConfig("test", { "pulsar:tls": tls }), "test", true).tls;

const refused: Cases = {
  "pulsar:tls.hosts: is not used without TLS; remove it, or set pulsar:tls.enabled to true": {
    "pulsar:tls": { hosts: ["pulsar.example.com"] },
  },
  "pulsar:tls.trusted: does not contain 2, which signs the certificates (pulsar:tls.authority); add 2": {
    "pulsar:tls": { enabled: true, authority: 2, trusted: [1, 3] },
  },
  "pulsar:tls.certManager: is not set although pulsar:tls.issuer is cert-manager; set the name of the issuer": {
    "pulsar:tls": { enabled: true, issuer: "cert-manager" },
  },
  "pulsar:tls.certManager: is not used with issuer stack; remove it, or set pulsar:tls.issuer to cert-manager": {
    "pulsar:tls": { enabled: true, certManager: { issuer: "internal" } },
  },
  "pulsar:tls.trusted: [] is not valid; use a list of numbers of CAs, such as [1, 2]": {
    "pulsar:tls": { enabled: true, trusted: [] },
  },
  "pulsar:tls.lifetimeDays: 366 is longer than the 365 days of the CA (pulsar:tls.authorityLifetimeDays); use 365 at most":
    { "pulsar:tls": { enabled: true, lifetimeDays: 366, authorityLifetimeDays: 365 } },
  "pulsar:tls.warnDays: 30 is not shorter than the 30 days of a certificate (pulsar:tls.lifetimeDays), so every preview would warn; use 29 at most":
    { "pulsar:tls": { enabled: true, lifetimeDays: 30 } },
  "pulsar:tls.generation: 1e+30 is not valid; use a whole number from 1 to 100000": {
    "pulsar:tls": { enabled: true, generation: 1e30 },
  },
  'pulsar:tls.certManager.issuer: "[secret]" is not valid; use a DNS name': {
    "pulsar:tls": {
      enabled: true,
      issuer: "cert-manager",
      certManager: { issuer: `-----BEGIN PRIVATE KEY-----\n${"A".repeat(64)}` },
    },
  },
  ...Object.fromEntries(
    ["256.1.1.1", "10.0.0.01", `${"a".repeat(64)}.example`].map((host) => [
      `pulsar:tls.hosts[0]: "${host}" is not valid; use a host name or an IP address, without scheme or port`,
      { "pulsar:tls": { enabled: true, hosts: [host] } },
    ]),
  ),
  'pulsar:tls.hosts[1]: "https://pulsar.example.com" is not valid; use a host name or an IP address, without scheme or port':
    { "pulsar:tls": { enabled: true, hosts: ["10.0.0.1", "https://pulsar.example.com"] } },
};

describe("TLS settings are refused:", () => {
  for (const [line, changes] of Object.entries(refused)) {
    test(line, () => {
      hasOneFault(stackConfig("test", changes), line);
    });
  }
});

test("by default, one CA signs and is trusted", () => {
  assert.deepEqual(tlsOf({ enabled: true }), {
    enabled: true,
    issuer: "stack",
    hosts: [],
    generation: 1,
    authority: 1,
    trusted: [1],
    lifetimeDays: 365,
    authorityLifetimeDays: 3650,
    warnDays: 30,
  });
  assert.deepEqual(tlsOf({ enabled: true, authority: 3 }).trusted, [3]);
});

test("a preview warns of proxies that clients outside the cluster reach by no name in their certificate", () => {
  const warnings = (tls: object, type: string) =>
    parseSettings(stackConfig("test", { "pulsar:tls": tls, "pulsar:proxyService": { type } }), "test", true).warnings;
  assert.deepEqual(warnings({ enabled: true }, "LoadBalancer"), [
    "pulsar:tls.hosts: is empty, so clients outside the cluster (pulsar:proxyService.type LoadBalancer) refuse the proxies' certificate; " +
      "add the names and addresses by which they reach the proxies",
  ]);
  assert.deepEqual(warnings({ enabled: true, hosts: ["pulsar.example.com"] }, "NodePort"), []);
  assert.deepEqual(warnings({ enabled: true }, "ClusterIP"), []);
  assert.deepEqual(warnings({ enabled: false }, "NodePort"), []);
});
