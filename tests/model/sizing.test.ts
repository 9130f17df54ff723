import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { amount, mebibytes, type PodSize, podSizes } from "../../model/sizing.ts";

const committed = {
  zookeeper: { cpu: "4", memory: "16Gi" },
  bookkeeper: { cpu: "16", memory: "64Gi" },
  serving: { cpu: "16", memory: "64Gi" },
};

/** Sizes with the given fields. The others are undefined. */
const said = (size: PodSize): unknown => JSON.parse(JSON.stringify(size));

describe("podSizes", () => {
  const derived: Record<keyof ReturnType<typeof podSizes>, unknown> = {
    zookeeper: {
      requests: { cpu: "3000m", memory: "8192Mi" },
      limits: { memory: "8192Mi" },
      heap: "4096Mi",
      direct: "2048Mi",
    },
    bookkeeper: {
      requests: { cpu: "13600m", memory: "55680Mi" },
      limits: { memory: "55680Mi" },
      heap: "11136Mi",
      direct: "16640Mi",
    },
    broker: {
      requests: { cpu: "8000m", memory: "32768Mi" },
      limits: { memory: "32768Mi" },
      heap: "13056Mi",
      direct: "13056Mi",
    },
    proxy: {
      requests: { cpu: "2400m", memory: "9728Mi" },
      limits: { memory: "9728Mi" },
      heap: "3840Mi",
      direct: "3840Mi",
    },
    autorecovery: {
      requests: { cpu: "1000m", memory: "2048Mi" },
      limits: { memory: "2048Mi" },
      heap: "819Mi",
      direct: "614Mi",
    },
    toolset: {
      requests: { cpu: "500m", memory: "1024Mi" },
      limits: { memory: "1024Mi" },
      heap: "256Mi",
      direct: "256Mi",
    },
    manager: { requests: { cpu: "1000m", memory: "2048Mi" }, limits: { memory: "2048Mi" }, heap: "819Mi" },
  };
  const sizes = podSizes({}, committed);
  for (const [component, expected] of Object.entries(derived)) {
    test(`derives ${component} from the nodes of the committed production stack`, () => {
      assert.deepEqual(said(sizes[component as keyof typeof sizes]), expected);
    });
  }

  test("uses each field that is set, and derives the others from it", () => {
    const broker = (given: PodSize) => said(podSizes({ broker: given }, committed).broker);
    assert.deepEqual(broker({ requests: { cpu: "2" }, priorityClass: "high" }), {
      ...(derived.broker as object),
      requests: { cpu: "2", memory: "32768Mi" },
      priorityClass: "high",
    });
    assert.deepEqual(broker({ requests: { memory: "10Gi" }, heap: "1Gi" }), {
      requests: { cpu: "8000m", memory: "10Gi" },
      limits: { memory: "10Gi" },
      heap: "1Gi",
      direct: "4096Mi",
    });
    assert.deepEqual(broker({ requests: { memory: "8Gi" }, limits: { cpu: "9", memory: "10Gi" }, direct: "1Gi" }), {
      requests: { cpu: "9", memory: "8Gi" },
      limits: { cpu: "9", memory: "10Gi" },
      heap: "4096Mi",
      direct: "1Gi",
    });
  });

  test("never requests more than a limit that is set alone", () => {
    const { requests, limits } = podSizes({ broker: { limits: { cpu: "2", memory: "4Gi" } } }, committed).broker;
    assert.deepEqual(requests, { cpu: "2", memory: "4Gi" });
    assert.deepEqual(limits, { cpu: "2", memory: "4Gi" });
  });

  test("keeps the chart's sizes if no node is known, except for those too small for an idle pod", () => {
    const unknown = { zookeeper: {}, bookkeeper: { cpu: undefined, memory: undefined }, everything: committed.serving };
    const needs: Partial<Record<keyof typeof sizes, PodSize>> = {
      proxy: { requests: { memory: "256Mi" } },
      autorecovery: { requests: { memory: "256Mi" } },
      manager: { requests: { memory: "640Mi" }, heap: "256Mi" },
    };
    for (const [component, size] of Object.entries(podSizes({}, unknown))) {
      assert.deepEqual(said(size), needs[component as keyof typeof sizes] ?? {}, component);
    }
  });

  test("increases the request for a larger heap if no node is known", () => {
    const { proxy, manager } = podSizes({ proxy: { heap: "1Gi", direct: "512Mi" }, manager: { heap: "640Mi" } }, {});
    assert.deepEqual(said(proxy), { requests: { memory: "1792Mi" }, heap: "1Gi", direct: "512Mi" });
    assert.deepEqual(said(manager), { requests: { memory: "1024Mi" }, heap: "640Mi" });
  });

  test("gives the manager enough even on a small node", () => {
    const { manager } = podSizes({}, { serving: { cpu: "2", memory: "6Gi" } });
    assert.deepEqual(said(manager), {
      requests: { cpu: "100m", memory: "640Mi" },
      limits: { memory: "640Mi" },
      heap: "256Mi",
    });
  });

  test("derives memory if only memory is known", () => {
    const { zookeeper } = podSizes({}, { zookeeper: { memory: "16Gi" } });
    assert.deepEqual(said(zookeeper), {
      requests: { memory: "8192Mi" },
      limits: { memory: "8192Mi" },
      heap: "4096Mi",
      direct: "2048Mi",
    });
  });

  test("keeps heaps below the limit of compressed pointers", () => {
    const { bookkeeper, broker } = podSizes(
      {},
      { bookkeeper: { cpu: "64", memory: "1Ti" }, serving: { cpu: "64", memory: "1Ti" } },
    );
    assert.equal(bookkeeper.heap, "31744Mi");
    assert.ok(amount(broker.heap ?? "") < 32 * 2 ** 30);
  });

  const node = fc.record({
    cpu: fc.integer({ min: 1000, max: 256_000 }).map((millicores) => `${millicores}m`),
    memory: fc.integer({ min: 6 * 1024, max: 4 * 1024 * 1024 }).map((mebi) => `${mebi}Mi`),
  });
  const all = (size: { cpu: string; memory: string }) =>
    podSizes({}, { zookeeper: size, bookkeeper: size, serving: size });

  test("fits a pod of each serving component on a node of 6 GiB or more", () => {
    fc.assert(
      fc.property(node, (size) => {
        const { broker, proxy, autorecovery, toolset, manager } = all(size);
        for (const resource of ["cpu", "memory"] as const) {
          const sum = [broker, proxy, autorecovery, toolset, manager]
            .map(({ requests }) => amount(requests?.[resource] ?? ""))
            .reduce((a, b) => a + b);
          assert.ok(sum <= 0.9 * amount(size[resource]), `${sum} of ${size[resource]}`);
        }
      }),
    );
  });

  test("gives every pod a part of the node, and never more than the node has", () => {
    fc.assert(
      fc.property(node, (size) => {
        for (const [component, { requests }] of Object.entries(all(size))) {
          for (const resource of ["cpu", "memory"] as const) {
            const asked = amount(requests?.[resource] ?? "");
            assert.ok(asked > 0 && asked < amount(size[resource]), `${component} ${resource}`);
          }
        }
      }),
    );
  });

  test("leaves room between each JVM's memory and its container's limit", () => {
    fc.assert(
      fc.property(node, (size) => {
        for (const [component, { heap = "0", direct = "0", limits }] of Object.entries(all(size))) {
          assert.ok(amount(heap) + amount(direct) < amount(limits?.memory ?? ""), component);
        }
      }),
    );
  });
});

describe("quantities", () => {
  const amounts: [string, number][] = [
    ["500m", 0.5],
    ["4", 4],
    ["0.5", 0.5],
    ["1k", 1000],
    ["1Ki", 1024],
    ["1.5Gi", 1.5 * 2 ** 30],
    ["2T", 2e12],
  ];
  for (const [quantity, expected] of amounts) {
    test(`${quantity} is ${expected}`, () => {
      assert.equal(amount(quantity), expected);
    });
  }

  for (const quantity of ["", "Gi", "1GB", "-1"]) {
    test(`"${quantity}" is not a quantity`, () => {
      assert.throws(() => amount(quantity), /is not a quantity; use one such as 500m or 4Gi$/);
    });
  }

  test("are written in Mi, in steps of 128 from 1 Gi on", () => {
    const Mi = 2 ** 20;
    assert.deepEqual(
      [1023.9, 1024, 1151, 1152].map((count) => mebibytes(count * Mi)),
      ["1023Mi", "1024Mi", "1024Mi", "1152Mi"],
    );
  });
});
