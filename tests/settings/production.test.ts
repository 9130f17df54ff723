import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseSettings } from "../../settings/settings.ts";
import { faults, hasOneFault } from "../support/faults.ts";
import { groups } from "../support/nodeGroups.ts";
import { stackConfig } from "../support/stackFile.ts";

type Case = [title: string, changes: Record<string, unknown>, expected: string];

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;
const images = {
  pulsar: "apachepulsar/pulsar-all:2.7.4",
  manager: "apachepulsar/pulsar-manager:v0.2.0",
  pullSecret: "regsecret",
};
const values = (values: object) => ({ "pulsar:values": values });

const refused: Case[] = [
  [
    "an image that changes under its tag",
    { "pulsar:images": { ...images, pulsar: "apachepulsar/pulsar-all:latest" } },
    "pulsar:images.pulsar: latest is not allowed in production; use a version, so that what was reviewed is what runs",
  ],
  [
    "an image that only its digest tells from others",
    { "pulsar:images": { ...images, pulsar: `apachepulsar/pulsar-all:latest@${digest}` } },
    "pulsar:images.pulsar: latest is not allowed in production; use a version",
  ],
  [
    "a database without TLS",
    { "pulsar:managerDatabase": { host: "db", tls: "disable" } },
    "pulsar:managerDatabase.tls: disable is not allowed in production, because the manager's password would cross the network in plain text; use require or verify-full",
  ],
  [
    "a database that is dropped with its stack",
    { "pulsar:managerDatabase": { host: "db", deleteData: true } },
    "pulsar:managerDatabase.deleteData: true is not allowed in production; use false, and drop data by hand",
  ],
  ...(["manager", "admin"] as const).map((way): Case => [
    `a host without TLS: ${way}`,
    { "pulsar:ingress": { [way]: { host: "pulsar.example.com" } } },
    `pulsar:ingress.${way}: has no TLS, which production requires, because passwords and tokens would cross the network in plain text; set its tlsSecret, or`,
  ]),
  ...["pulsar_manager.extraVolumes", "pulsar_manager.extraVolumeMounts"].map((path): Case => [
    `other files in the manager's pod: ${path}`,
    values(at(path, [])),
    `pulsar:values.${path}: [] is not allowed in production, because it would replace what keeps others from creating accounts; remove it`,
  ]),
  ...["pulsar_manager", "proxy"].map((component): Case => [
    `the chart's own Ingress: ${component}`,
    values(at(`${component}.ingress.enabled`, true)),
    `pulsar:values.${component}.ingress.enabled: true is not allowed in production; use pulsar:ingress, which requires TLS`,
  ]),
  [
    "nodes whose size is not known",
    {
      "pulsar:nodeGroups": groups({
        zookeeper: { memory: undefined },
        serving: { cpu: undefined, nodes: [{ name: "sv-1", cpu: 16 }, { name: "sv-2" }, { name: "sv-3", cpu: 16 }] },
      }),
    },
    "pulsar:nodeGroups: has no cpu or no memory for zk-1, zk-2, zk-3, sv-2, which production requires: pod requests are derived from them; set what each node offers (status.allocatable)",
  ],
  [
    "untainted nodes whose size is not known",
    { "pulsar:nodeGroups": groups({ serving: { nodes: [], untainted: 3, memory: undefined } }) },
    "pulsar:nodeGroups: has no cpu or no memory for the untainted serving nodes, which production requires: pod requests are derived from them; set what each node offers",
  ],
  ...["LoadBalancer", "NodePort"].map((type): Case => [
    `a manager behind a ${type}`,
    values({ pulsar_manager: { service: { type } } }),
    `pulsar:values.pulsar_manager.service.type: "${type}" is not allowed in production, because anybody who reaches the manager can become its superuser; use ClusterIP`,
  ]),
  [
    "a manager whose other service (4.7.0) is open to all",
    values(at("pulsar_manager.adminService.type", "NodePort")),
    'pulsar:values.pulsar_manager.adminService.type: "NodePort" is not allowed in production, because anybody who reaches the manager can become its superuser; use ClusterIP',
  ],
  [
    "authentication that is on but for its tokens (4.7.0)",
    values(at("auth.authentication.jwt.enabled", false)),
    "pulsar:values.auth.authentication.jwt.enabled: false is not allowed in production, because everybody could read and delete everything; remove it",
  ],
  ...["latest", `latest@${digest}`].map((tag): Case => [
    `a changing tag of an image that no setting names: ${tag}`,
    values({ images: { grafana: { tag } } }),
    `pulsar:values.images.grafana.tag: "${tag}" is not allowed in production; use a version`,
  ]),
  ...["persistence", "volumes.persistence", "zookeeper.volumes.persistence", "bookkeeper.volumes.persistence"].map(
    (path): Case => [
      `${path} off`,
      values(at(path, false)),
      `pulsar:values.${path}: false is not allowed in production, because each start of a bookie would format it; remove it`,
    ],
  ),
  ...["zookeeper", "bookkeeper", "broker", "proxy", "autorecovery", "toolset", "pulsar_manager"].flatMap(
    (component): Case[] => [
      [
        `another number of pods for ${component}`,
        values(at(`${component}.replicaCount`, 2)),
        `pulsar:values.${component}.replicaCount: 2 is not allowed in production; use pulsar:replicas, which is checked`,
      ],
      [
        `another selector for ${component}`,
        values(at(`${component}.nodeSelector`, { disk: "ssd" })),
        `pulsar:values.${component}.nodeSelector: {"disk":"ssd"} is not allowed in production, because the layout places the pods; remove it`,
      ],
      [
        `other tolerations for ${component}`,
        values(at(`${component}.tolerations`, [])),
        `pulsar:values.${component}.tolerations: [] is not allowed in production, because the layout places the pods; remove it`,
      ],
    ],
  ),
  ...["", "zookeeper.", "bookkeeper.", "broker.", "proxy."].map((component): Case => [
    `${component}affinity.anti_affinity off`,
    values(at(`${component}affinity.anti_affinity`, false)),
    `pulsar:values.${component}affinity.anti_affinity: false is not allowed in production, because two pods on one node would be lost together; remove it`,
  ]),
];

/** `{a: {b: value}}` of `a.b`. */
function at(path: string, value: unknown): object {
  return path.split(".").reduceRight((inner, key) => ({ [key]: inner }), value) as object;
}

describe("production refuses", () => {
  for (const [title, changes, expected] of refused) {
    test(title, () => {
      hasOneFault(stackConfig("prod", changes), expected);
    });
  }

  test("the mixed layout", () => {
    const changes = { "pulsar:environment": "production", "pulsar:managerDatabase": { host: "db" } };
    hasOneFault(
      stackConfig("test", changes),
      "pulsar:layout: mixed is not allowed in production, where ZooKeeper and the bookies need separate nodes; use dedicated",
    );
  });
});

test("a test environment in the dedicated layout is let through with all of it", () => {
  for (const [title, changes] of refused) {
    const config = stackConfig("prod", { ...changes, "pulsar:environment": "test" });
    assert.equal(parseSettings(config, "prod", false).production, false, title);
  }
});

test("what is as production has it anyway may be said in the values", () => {
  const said = {
    persistence: true,
    pulsar_manager: { service: { type: "ClusterIP" } },
    images: { grafana: { tag: "10.1.0" } },
    affinity: { anti_affinity: true },
    broker: { affinity: { anti_affinity: true }, podMonitor: { enabled: false } },
  };
  assert.equal(parseSettings(stackConfig("prod", values(said)), "prod", false).production, true);
});

test("no fault of production is told before the environment is known", () => {
  const config = stackConfig("prod", { "pulsar:environment": "staging", ...values({ persistence: false }) });
  assert.deepEqual(
    faults(config).map((line) => line.slice(0, line.indexOf(";"))),
    ['pulsar:environment: "staging" is not valid'],
  );
});
