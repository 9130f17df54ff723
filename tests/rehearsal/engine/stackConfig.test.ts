import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readConfig } from "../../../rehearsal/engine/stackConfig.ts";
import {
  addressesOf,
  ownProject,
  readStackFile,
  secretsFor,
  settingsOf,
} from "../../../rehearsal/engine/stackSettings.ts";
import { stackConfig } from "../../support/stackFile.ts";
import { awkward, empty, faulty } from "../awkwardConfig.ts";

const file = "Pulumi.test.yaml";

describe("a stack file, read without Pulumi", () => {
  test("has the same result as with Pulumi", () => {
    const { text, ...read } = awkward;
    assert.deepEqual(JSON.parse(JSON.stringify(readConfig(text, file))), JSON.parse(JSON.stringify(read)));
  });

  test("is refused with a key that Pulumi ignores", () => {
    assert.throws(() => readConfig("encryptionsalt: v1\nconfg:\n  pulsar:layout: mixed\n", file), {
      message: "Pulumi.test.yaml: confg: Pulumi ignores this key and what it contains; did you mean config?",
    });
  });

  test("is refused if an alias refers to itself", () => {
    assert.throws(() => readConfig("config: { pulsar:values: { a: &x { b: *x } } }", file), {
      message: "Pulumi.test.yaml: config: an alias refers to itself; write the values out",
    });
  });

  for (const text of empty) {
    test(`may be empty: ${JSON.stringify(text)}`, () => {
      assert.deepEqual(readConfig(text, file), { plain: {}, encrypted: [] });
    });
  }

  for (const { text, own } of faulty) {
    test(`is refused with one line and its name: ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => readConfig(text, `/project/${file}`),
        ({ name, message }: Error) => {
          assert.equal(name, "RehearsalError");
          assert.match(message, own);
          assert.match(message, /^Pulumi\.test\.yaml: .*$/);
          return true;
        },
      );
    });
  }
});

test("a folder with a stack file's name is refused", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), "stack-file-"));
  t.after(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, file));
  await assert.rejects(readStackFile(dir, "test"), {
    message: `${file}: cannot be read (EISDIR); use a file that you may read`,
  });
});

describe("a stack file with a Pulumi ESC environment", () => {
  const cases: [text: string, refused: boolean][] = [
    ["environment:\n  - org/prod\nconfig: {}\n", true],
    ["config: {}\nenvironment: { imports: [org/prod] }\n", true],
    ["environment: []\nconfig: {}\n", false],
    ["config:\n  pulsar:environment: test\n", false],
  ];
  for (const [text, refused] of cases) {
    test(`is ${refused ? "refused with a remedy" : "read"}: ${JSON.stringify(text)}`, async (t) => {
      const dir = await mkdtemp(join(tmpdir(), "stack-file-"));
      t.after(() => rm(dir, { recursive: true }));
      await writeFile(join(dir, file), text);
      if (!refused) assert.equal(await readStackFile(dir, "test"), text);
      else
        await assert.rejects(readStackFile(dir, "test"), {
          name: "RehearsalError",
          message: /^Pulumi\.test\.yaml: environment: .* no access to Pulumi ESC; .* under config$/,
        });
    });
  }
});

const made = {
  "pulsar:managerPassword": "made-up-login",
  "pulsar:managerDatabasePassword": "made-up-password",
  "pulsar:managerDatabaseAdminPassword": "made-up-admin-password",
  "pulsar:imagePullCredentials": "made-up-pull-password",
};

/** The committed file of the stack test, without secrets. */
function written(changes: Record<string, unknown> = {}, encrypted: string[] = []) {
  const { values } = stackConfig("test", {
    ...Object.fromEntries(Object.keys(made).map((key) => [key, undefined])),
    ...changes,
  });
  const plain = Object.entries(values).map(([key, text]): [string, unknown] => [
    key,
    /^[[{]/.test(text) ? JSON.parse(text) : text,
  ]);
  return { plain: Object.fromEntries(plain), encrypted };
}

describe("generated secrets", () => {
  test("replace those that are not set or cannot be decrypted", () => {
    const secrets = secretsFor(written(), made);
    assert.deepEqual(secretsFor(written({}, Object.keys(made)), made), secrets);
    const { "pulsar:imagePullCredentials": credentials = "", ...passwords } = secrets;
    const { "pulsar:imagePullCredentials": password, ...others } = made;
    assert.deepEqual(passwords, others);
    const { auths } = JSON.parse(credentials) as { auths: Record<string, { password: string }> };
    assert.deepEqual(
      Object.entries(auths).map(([registry, auth]) => [registry, auth.password]),
      [["harbor.example.com/library", password]],
    );
  });

  test("are omitted if a stack does not need them", () => {
    const without = { "pulsar:managerDatabase": { host: "db", create: false }, "pulsar:createNamespace": false };
    assert.deepEqual(Object.keys(secretsFor(written(without), made)), [
      "pulsar:managerPassword",
      "pulsar:managerDatabasePassword",
    ]);
    assert.deepEqual(Object.keys(secretsFor(written(without, Object.keys(made)), made)), Object.keys(made));
  });

  test("do not replace a secret in plain text", async () => {
    const config = written({ "pulsar:managerPassword": "in-plain-text" });
    assert.ok(!("pulsar:managerPassword" in secretsFor(config, made)));
    await assert.rejects(settingsOf("test", config, made, ownProject), {
      name: "RehearsalError",
      message: /pulsar:managerPassword: is in plain text/,
    });
  });
});

describe("the settings of a stack file", () => {
  test("are checked as in a preview", async () => {
    for (const [changes, fault] of [
      [{ "pulsar:managerDatabase": { host: "db:5432" } }, /pulsar:managerDatabase\.host: "db:5432" is not valid/],
      [{ "pulsar:managerDatabase": {} }, /pulsar:managerDatabase\.host: is not set/],
      [{ "kubernetes:kubeconfig": "apiVersion: v1\nkind: Config" }, /kubernetes:kubeconfig: holds the contents/],
      [{ "pulsar:tokens": { expires: "2020-01-01" } }, /pulsar:tokens\.expires: 2020-01-01 has begun/],
    ] as const) {
      await assert.rejects(settingsOf("test", written(changes), made, ownProject), {
        name: "RehearsalError",
        message: fault,
      });
    }
  });

  test("must not be encrypted if they are not secret", async () => {
    const config = written({ "pulsar:manager": undefined }, ["pulsar:manager"]);
    await assert.rejects(settingsOf("test", config, made, ownProject), /pulsar:manager: is encrypted/);
  });

  test("need no cluster, as in a preview", async () => {
    const { cluster } = await settingsOf("test", written({ "kubernetes:context": undefined }), made, ownProject);
    assert.equal(cluster.context, undefined);
  });

  test("have no address of the stack's own systems in a rehearsal", async () => {
    const adminApi = { address: "https://pulsar.example.com", caFile: "ca.pem" };
    const database = { host: "postgres.example.com", tls: "verify-full" };
    const config = written({ "pulsar:adminApi": adminApi, "pulsar:managerDatabase": database });
    const settings = await settingsOf("test", config, made, ownProject);
    const cluster = { kubeconfig: "/rehearsal/kubeconfig", context: "rehearsal" };
    const postgres = { host: "127.0.0.1", port: 15000, caFile: "/rehearsal/ca.pem" };
    const { plain, unset } = addressesOf({ cluster, postgres }, settings);
    assert.deepEqual(unset, ["pulsar:adminApi.address", "pulsar:adminApi.caFile"]);
    assert.deepEqual(plain, {
      "kubernetes:kubeconfig": "/rehearsal/kubeconfig",
      "kubernetes:context": "rehearsal",
      "pulsar:managerDatabase.host": "127.0.0.1",
      "pulsar:managerDatabase.port": "15000",
      "pulsar:managerDatabase.tlsCaFile": "/rehearsal/ca.pem",
      "pulsar:managerDatabase.admin.user": "postgres",
      "pulsar:managerDatabase.admin.database": "postgres",
    });
  });
});
