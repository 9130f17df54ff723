import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BookieRacks, type BookieRacksArgs } from "../../components/bookieRacks.ts";
import { bookieRacks, type Placement } from "../../model/layouts/layout.ts";
import { named, register } from "../support/mocks.ts";

const toleration = { key: "dedicated", operator: "Equal", value: "pulsar-serving", effect: "NoSchedule" } as const;
const serving: Placement = {
  replicas: 1,
  nodeSelector: { pulsar: "serving" },
  tolerations: [toleration],
  nodes: ["sv-1"],
  rule: "any",
  overZones: false,
};

describe("bookieRacks", () => {
  const nodes = [
    { name: "sv-1", hostname: "sv-1" },
    { name: "bk-1", hostname: "bk-1", zone: "a" },
    { name: "bk-2", hostname: "bk-2", zone: "b", rack: "r7" },
    { name: "bk-3", hostname: "bk-3", rack: "/r8" },
    { name: "bk-4", hostname: "bk-4" },
  ];
  const bookies = (replicas: number, names: string[]): Placement => ({
    ...serving,
    replicas,
    nodes: names,
    rule: "ordinal",
  });

  test("are the racks of the bookies' nodes by ordinal, otherwise their zones, with a leading slash", () => {
    assert.deepEqual(bookieRacks(bookies(3, ["bk-3", "bk-1", "bk-2"]), nodes), ["/r8", "/a", "/r7"]);
  });

  test("are undefined if the node of a bookie has neither", () => {
    assert.equal(bookieRacks(bookies(4, ["bk-1", "bk-2", "bk-3", "bk-4"]), nodes), undefined);
  });

  test("depend only on the nodes that have a bookie", () => {
    assert.deepEqual(bookieRacks(bookies(2, ["bk-1", "bk-2", "bk-4"]), nodes), ["/a", "/r7"]);
  });
});

describe("BookieRacks", () => {
  const args: BookieRacksArgs = {
    namespace: "messaging",
    release: "demo",
    clusterDomain: "k8s.example",
    racks: ["/a", "/b", "/a"],
    adminUrl: "http://demo-pulsar-proxy.messaging.svc:80",
    token: { secret: "demo-token-admin", key: "TOKEN" },
    image: "pulsar-all:2.7.4",
    pullSecret: "regsecret",
    placement: serving,
  };

  interface Container {
    command: string[];
    args: string[];
    env: { name: string; value: string }[];
    volumeMounts: object[];
  }
  interface Spec {
    template: { spec: { containers: [Container]; volumes: object[] } };
  }

  async function job(changes: Partial<BookieRacksArgs> = {}) {
    const registered = await register(() => new BookieRacks("racks", { ...args, ...changes }));
    const { metadata, spec } = named(registered, "racks-job").inputs as { metadata: { name: string }; spec: Spec };
    const [container] = spec.template.spec.containers;
    return { metadata, pod: spec.template.spec, container, lines: (container.args[0] ?? "").split("\n") };
  }

  test("sets the rack of each bookie by its bookie id, in the order of the ordinals, and stops at a failure", async () => {
    const { container, lines } = await job();
    assert.deepEqual(container.command, ["sh", "-c"]);
    assert.equal(container.args.length, 1);
    const [first, ...commands] = lines;
    assert.equal(first, "set -e");
    assert.deepEqual(
      commands.map((line) => /^bin\/pulsar-admin .* bookies (.*)$/.exec(line)?.[1]),
      ["/a", "/b", "/a"].map((rack, i) => {
        const host = `demo-pulsar-bookie-${i}.demo-pulsar-bookie.messaging.svc.k8s.example`;
        return `set-bookie-rack --bookie ${host}:3181 --hostname ${host} --group default --rack ${rack}`;
      }),
    );
  });

  test("has the token only in a file: the Secret is neither in the environment nor in a command", async () => {
    const { container, pod, lines } = await job();
    assert.deepEqual(container.env, [{ name: "ADMIN_URL", value: "http://demo-pulsar-proxy.messaging.svc:80" }]);
    assert.ok(!("envFrom" in container));
    assert.deepEqual(pod.volumes, [
      { name: "secret-0", secret: { secretName: "demo-token-admin", items: [{ key: "TOKEN", path: "token" }] } },
    ]);
    assert.deepEqual(container.volumeMounts, [
      { name: "secret-0", mountPath: "/pulsar/tokens/client", readOnly: true },
    ]);
    for (const line of lines.slice(1)) {
      assert.match(line, / --auth-params file:\/\/\/pulsar\/tokens\/client\/token /);
      assert.doesNotMatch(line, /demo-token|TOKEN/);
    }
  });

  test("changes its name only when a rack or the cluster domain changes, or a bookie joins", async () => {
    const name = async (changes: Partial<BookieRacksArgs> = {}) => (await job(changes)).metadata.name;
    const before = await name();
    assert.match(before, /^demo-pulsar-bookie-racks-[0-9a-f]{8}$/);
    assert.equal(await name(), before);
    const racks = [
      ["/a", "/b", "/c"],
      ["/b", "/a", "/a"],
      ["/a", "/b", "/a", "/a"],
    ];
    const names = [before];
    for (const others of racks) names.push(await name({ racks: others }));
    names.push(await name({ clusterDomain: "cluster.local" }));
    assert.equal(new Set(names).size, 5);
  });
});
