import assert from "node:assert/strict";
import { test } from "node:test";
import { jdbcUrl } from "../../model/managerDatabase.ts";

const urls: [Parameters<typeof jdbcUrl>[0], string][] = [
  [{ host: "10.0.0.1", port: 5433, tls: "disable", name: "pm" }, "jdbc:postgresql://10.0.0.1:5433/pm"],
  [
    { host: "2001:db8::1", port: 5432, tls: "require", name: "pm" },
    "jdbc:postgresql://[2001:db8::1]:5432/pm?sslmode=require",
  ],
  [
    { host: "db", port: 5432, tls: "verify-full", name: "a/b" },
    "jdbc:postgresql://db:5432/a%2Fb?sslmode=verify-full&sslfactory=org.postgresql.ssl.DefaultJavaSSLFactory",
  ],
  [
    { host: "db", port: 5432, tls: "disable", name: "mgr@srv 'a' +%" },
    "jdbc:postgresql://db:5432/mgr%40srv%20%27a%27%20%2B%25",
  ],
];
for (const [database, url] of urls) {
  test(`JDBC URL ${url}`, () => {
    assert.equal(jdbcUrl(database), url);
  });
}
