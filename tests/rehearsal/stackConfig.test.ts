import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encryptedKeys, rawConfig } from "../../rehearsal/stackConfig.ts";

const stackFile = `
encryptionsalt: v1:abc
config:
  pulsar:layout: mixed
  pulsar:nodes:
    - name: node1
    - name: node2
  pulsar:clusterHasOtherNodes: true
  release: pulsar
  pulsar:managerDatabase: { host: db.example.com, port: 5432 }
  pulsar:managerDatabasePassword:
    secure: v1:xyz
`;

describe("rawConfig", () => {
  it("gives every value as Pulumi hands it to a program, and the file's secrets not at all", () => {
    assert.deepEqual(rawConfig(stackFile, {}), {
      values: {
        "pulsar:layout": "mixed",
        "pulsar:nodes": '[{"name":"node1"},{"name":"node2"}]',
        "pulsar:clusterHasOtherNodes": "true",
        "pulsar:release": "pulsar",
        "pulsar:managerDatabase": '{"host":"db.example.com","port":5432}',
      },
      encrypted: [],
    });
  });

  it("lays overrides over it by path, scalars typed as `pulumi config set --path` does", () => {
    const { values } = rawConfig(stackFile, {
      plain: {
        "pulsar:managerDatabase.host": "127.0.0.1",
        "pulsar:managerDatabase.port": "6543",
        "pulsar:managerDatabase.admin.superuser": "true",
        "pulsar:nodes[1].name": "node9",
        "pulsar:values.zookeeper.tolerations[0].key": "x",
        "kubernetes:context": "rehearsal",
      },
    });
    assert.deepEqual(JSON.parse(values["pulsar:managerDatabase"] ?? ""), {
      host: "127.0.0.1",
      port: 6543,
      admin: { superuser: true },
    });
    assert.equal(values["pulsar:nodes"], '[{"name":"node1"},{"name":"node9"}]');
    assert.equal(values["pulsar:values"], '{"zookeeper":{"tolerations":[{"key":"x"}]}}');
    assert.equal(values["kubernetes:context"], "rehearsal");
  });

  it("counts secret overrides as encrypted", () => {
    const { values, encrypted } = rawConfig(stackFile, { secret: { "pulsar:managerDatabasePassword": "123" } });
    assert.equal(values["pulsar:managerDatabasePassword"], "123");
    assert.deepEqual(encrypted, ["pulsar:managerDatabasePassword"]);
  });
});

describe("encryptedKeys", () => {
  it("finds the file's secrets", () => {
    assert.deepEqual(encryptedKeys(stackFile), ["pulsar:managerDatabasePassword"]);
    assert.deepEqual(encryptedKeys(""), []);
  });
});
