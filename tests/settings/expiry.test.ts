import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { certificateWarnings, expiryFaults, expiryWarnings } from "../../settings/expiry.ts";
import { stackConfig } from "../support/stackFile.ts";

const now = new Date("2026-11-24T18:00:00Z");
const tokens = (expires?: string) => ({ expires, warnDays: 30 });

describe("a day of expiry", () => {
  test("that has begun is a fault", () => {
    assert.deepEqual(expiryFaults({ tokens: tokens("2026-11-24"), clients: [] }, now), [
      {
        key: "pulsar:tokens.expires",
        problem: "2026-11-24 has begun (UTC), so the tokens would be refused",
        remedy: "use a day after 2026-11-24",
      },
    ]);
    assert.deepEqual(expiryFaults({ tokens: tokens("2026-11-25"), clients: [] }, now), []);
    assert.deepEqual(expiryFaults({ tokens: tokens(), clients: [] }, now), []);
  });

  test("of an application is its own", () => {
    const clients = [{ role: "a", expires: "2030-01-01" }, { role: "b" }, { role: "c", expires: "2025-01-01" }];
    assert.deepEqual(
      expiryFaults({ tokens: tokens("2030-01-01"), clients }, now).map(({ key }) => key),
      ["pulsar:clients[2].expires"],
    );
  });

  test("that is near causes a warning", () => {
    const warned = (expires: string, warnDays = 30) =>
      expiryWarnings({ tokens: { expires, warnDays }, clients: [] }, now);
    assert.deepEqual(warned("2026-12-24"), [
      "pulsar:tokens.expires: tokens expire on 2026-12-24 (00:00 UTC), 29 days from now; see docs/operations/rotate-keys.md",
    ]);
    assert.match(warned("2026-11-26")[0] ?? "", /, 1 day from now/);
    assert.match(warned("2026-11-25")[0] ?? "", /, 0 days from now/);
    assert.deepEqual(warned("2026-12-25"), []);
    assert.deepEqual(warned("2026-12-24", 29), []);
    assert.equal(warned("2026-12-24", 30).length, 1);
  });
});

test("a certificate that ends soon causes a warning, and one that has ended does not", () => {
  const warned = (end: string, warnDays = 30) =>
    certificateWarnings({ what: "the certificate of broker", end, runbook: "renew-certificates.md" }, warnDays, now);
  assert.deepEqual(warned("2026-12-24T17:59:59Z"), [
    "pulsar:tls: the certificate of broker ends on 2026-12-24, 29 days from now; see docs/operations/renew-certificates.md",
  ]);
  assert.match(warned("2026-11-25T18:00:00Z")[0] ?? "", /, 1 day from now/);
  assert.deepEqual(warned("2026-12-24T18:00:00Z"), []);
  assert.deepEqual(warned("2026-11-25T18:00:00Z", 1), []);
  assert.deepEqual(warned("2026-11-24T18:00:00Z"), []);
});

test("settings are checked against the current time", () => {
  const config = stackConfig("test", { "pulsar:tokens": { expires: "2026-12-01" } });
  assert.equal(parseSettings(config, "test", false, { now }).tokens.expires, "2026-12-01");
  assert.throws(
    () => parseSettings(config, "test", false, { now: new Date("2026-12-01T00:00:00Z") }),
    /pulsar:tokens\.expires: 2026-12-01 has begun \(UTC\), so the tokens would be refused; use a day after/,
  );
});

test("tokens of applications expire by default with all others", () => {
  const config = stackConfig("test", {
    "pulsar:tokens": { expires: "2030-01-01", roles: { manager: "manager-admin" } },
    "pulsar:clients": [{ role: "orders" }, { role: "billing", expires: "2029-01-01" }],
  });
  const { superUsers, clients } = parseSettings(config, "test", false).claims;
  assert.deepEqual(
    superUsers.map(({ role, expires }) => `${role} ${expires}`).sort(),
    ["admin", "broker-admin", "manager-admin", "proxy-admin"].map((role) => `${role} 2030-01-01`),
  );
  assert.deepEqual(clients, [
    { role: "orders", expires: "2030-01-01" },
    { role: "billing", expires: "2029-01-01" },
  ]);
});
