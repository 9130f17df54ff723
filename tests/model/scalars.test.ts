import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { z } from "zod";
import * as scalar from "../../model/scalars.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const long = (length: number) => "a".repeat(length);

const cases: Record<string, { schema: z.ZodType; good: unknown[]; bad: unknown[] }> = {
  label: {
    schema: scalar.label,
    good: ["pulsar", "a-1", long(63), 1, 101],
    bad: ["", "Pulsar", "-a", "a-", "a.b", "a_b", long(64), -1, 1.5, true, null],
  },
  name: {
    schema: scalar.name,
    good: ["node1", "node-1.example.com"],
    bad: ["node_1", ".a", "a..b", "a.", "Node", long(254)],
  },
  releaseName: {
    schema: scalar.releaseName,
    good: ["pulsar", "a-1"],
    bad: ["", "my.release", "1st", "-a", "a-", "Pulsar"],
  },
  quantity: {
    schema: scalar.quantity,
    good: ["20Gi", "1.5Ti", "500M", "1024", "1k"],
    bad: ["0", "0Gi", "-1Gi", "20 Gi", "20GB", "Gi", "1.Gi", "1e3", "20gi", 20],
  },
  host: {
    schema: scalar.host,
    good: ["postgres.example.com", "10.0.0.1", "::1", "db", "2001:db8::1"],
    bad: ["", "http://db", "db:5432", "db/x", "a b", "user@db", "-db"],
  },
  cidr: {
    schema: scalar.cidr,
    good: ["10.20.0.0/16", "0.0.0.0/0", "192.0.2.7/32", "2001:db8::/32"],
    bad: ["10.20.0.0", "10.20.0.0/33", "10.20/16", "example.com/16", "", 10],
  },
  duration: { schema: scalar.duration, good: ["60s", "1m", "24h"], bad: ["", "60", "0s", "1m30s", "1 m", "-1s", 60] },
  date: {
    schema: scalar.date,
    good: [
      "2030-06-30",
      "2030-06-30 00:00:00 +0000 UTC",
      "2030-06-30T00:00:00Z",
      "2030-06-30T00:00:00.000Z",
      "2028-02-29 00:00:00 +0000 UTC",
    ],
    bad: [
      "",
      "2030-06-31",
      "2030-06-30 10:00:00 +0000 UTC",
      "2030-06-30 00:00:00 +0200 +0200",
      "2030-06-30T00:00:01Z",
      "2030-06-30T00:00:00+02:00",
      "30.06.2030",
      2030,
    ],
  },
  port: {
    schema: scalar.port,
    good: [1, 5432, 65535, "5432"],
    bad: [0, 65536, 1.5, "06", "0x10", "1e3", "1.0", " 1", "", "65536", "9".repeat(20), true],
  },
  absolutePath: {
    schema: scalar.absolutePath,
    good: ["/home/pulsar/data", "/data", "/a.b/c-d_e"],
    bad: ["/", "data", "/data/", "/a//b", "/a/../b", "/a/./b", "/a b", "~/data", ""],
  },
  sqlName: {
    schema: scalar.sqlName,
    good: ["pulsar_manager", "_a1"],
    bad: ["Pulsar", "1a", "a-b", 'a"b', long(64), ""],
  },
  databaseName: {
    schema: scalar.databaseName,
    good: ["pulsar-manager", "PulsarMgr", "mgr@srv01", "a b'c\"d\\e.f/g${h}", "ü".repeat(31), 101],
    bad: ["", "a\0b", long(64), "ü".repeat(32), true],
  },
  databaseRole: {
    schema: scalar.databaseRole,
    good: ["pulsar-manager", "PulsarMgr", "mgr@srv01", "ö.x/y%z", "${"],
    bad: ["", "a b", "a'b", 'a"b', "a\\b", "${a}", long(64)],
  },
  image: {
    schema: scalar.image,
    good: [
      "a:1",
      "harbor.example.com/library/apachepulsar/pulsar-all:2.7.4",
      "localhost:5000/pulsar:v1",
      `a/b:1@${digest}`,
    ],
    bad: [
      "pulsar-all",
      "localhost:5000/pulsar",
      "A/b:1",
      "a:1@sha256:00",
      `a@${digest}`,
      `a:1@${digest}0`,
      "a: 1",
      ":1",
    ],
  },
  registry: {
    schema: scalar.registry,
    good: [
      "harbor.example.com",
      "harbor.example.com/library/a_b",
      "harbor:5000/a",
      "localhost",
      "localhost:5000",
      "10.0.0.1/x",
    ],
    bad: [
      "",
      "harbor",
      "library/x",
      "https://harbor.example.com",
      "harbor.example.com/",
      "h.example.com/A",
      "h.example.com//a",
      "h.example.com:x",
    ],
  },
  chartSource: {
    schema: scalar.chartSource,
    good: [
      "https://pulsar.apache.org/charts",
      "oci://registry.example.com/charts/pulsar",
      "./charts/pulsar",
      "../pulsar-2.7.7.tgz",
      "apache/pulsar",
    ],
    bad: ["", "ftp://charts", "https://a b"],
  },
  databasePassword: {
    schema: scalar.databasePassword,
    good: ["a", "p%s$1!#;&*(){}[]<>|`~^=+,.:/?@-_", "üñ€", "${", "$x}", "}${", "#{1}", "%(ENV_HOME)s", "\u00a0"],
    bad: ["a b", "a\tb", "a\nb", "a\rb", "a'b", 'a"b', "a\\b", "${x}", "a${}b", "$${a:b}", "${a\u00a0b}"],
  },
  loginPassword: {
    schema: scalar.loginPassword,
    good: ["secret", "p'*?[%$;", "${abc}"],
    bad: ["short", "with space", "tab\tbed", "bell\u0007bell", 'quo"ted', "back\\slash"],
  },
  kubernetesLabelKey: {
    schema: scalar.kubernetesLabelKey,
    good: ["node-role.kubernetes.io/pulsar", "dedicated"],
    bad: ["/x", "a/b/c", "UPPER.io/x", "a b"],
  },
};

for (const [kind, { schema, good, bad }] of Object.entries(cases)) {
  describe(kind, () => {
    for (const value of good)
      test(`takes ${JSON.stringify(value)}`, () => {
        assert.ok(schema.safeParse(value).success);
      });
    for (const value of bad)
      test(`refuses ${JSON.stringify(value)}`, () => {
        assert.ok(!schema.safeParse(value).success);
      });
  });
}

test("a day without quotes, which Pulumi's YAML takes for a time, is that day", () => {
  for (const time of ["2030-06-30 00:00:00 +0000 UTC", "2030-06-30T00:00:00Z"]) {
    assert.equal(scalar.date.parse(time), "2030-06-30");
  }
});

test("what is unambiguous without quotes, or in them, is taken for what it means", () => {
  assert.deepEqual(
    [1, 0, 101, "1.10"].map((value) => scalar.kubernetesLabelValue.parse(value)),
    ["1", "0", "101", "1.10"],
  );
  assert.deepEqual(
    ["2", "-1", 3].map((value) => scalar.wholeNumber(-1, 5).parse(value)),
    [2, -1, 3],
  );
  assert.deepEqual(
    ["true", "false", true].map((value) => scalar.flag.parse(value)),
    [true, false, true],
  );
});

test("what may have been written otherwise is told to be quoted, or not to be", () => {
  const told = (schema: z.ZodType, value: unknown) =>
    schema.safeParse(value).error?.issues.map(({ message }) => message);
  for (const value of [1.1, 1e21, true, false]) {
    assert.deepEqual(told(scalar.kubernetesLabelValue, value), ["text, in quotes"], String(value));
  }
  assert.deepEqual(told(scalar.wholeNumber(1, 5), "0x2"), ["a whole number from 1 to 5, without quotes"]);
  assert.deepEqual(told(scalar.wholeNumber(1, 5), "6"), ["a whole number from 1 to 5"]);
  assert.deepEqual(told(scalar.flag, "yes"), ["true or false, without quotes"]);
  assert.deepEqual(told(scalar.label, []), ["a DNS label: lower-case letters, digits and '-'"]);
});

test("an image is taken apart at its tag", () => {
  assert.deepEqual(scalar.image.parse("localhost:5000/pulsar:v1"), { repository: "localhost:5000/pulsar", tag: "v1" });
});

test("a pinned image keeps its version apart from its digest", () => {
  assert.deepEqual(scalar.image.parse(`h:5000/a/b:v1@${digest}`), { repository: "h:5000/a/b", tag: "v1", digest });
});
