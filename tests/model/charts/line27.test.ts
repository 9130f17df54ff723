import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromSecret, podSpecAnnotation, secretRef } from "../../../model/charts/line27/markers.ts";
import { values } from "../../../model/charts/line27/values.ts";
import { podSizes } from "../../../model/sizing.ts";
import { cluster, everything, place, sized, valueAt } from "./support.ts";

/** The value at the path `a.b.c`. */
const at = (path: string, of: unknown = values(cluster)) => valueAt(path, of);

describe("values of chart line 2.7 alone", () => {
  const pulsarImage = { repository: "harbor.example.com/library/apachepulsar/pulsar-all", tag: "2.7.4" };
  const expected: Record<string, unknown> = {
    "auth.authentication.provider": "jwt",
    "components.functions": true,
    monitoring: { grafana: false, prometheus: false, node_exporter: false, alert_manager: false },
    "pulsar_manager.existingSecretName": "pulsar-manager-database",
    "pulsar_manager.admin": undefined,
    "images.zookeeper": pulsarImage,
    "images.functions": pulsarImage,
    "pulsar_metadata.image": pulsarImage,
  };
  for (const [path, value] of Object.entries(expected))
    test(path, () => {
      assert.deepEqual(at(path), value);
    });

  test("the token is a reference that the post-renderer resolves", () => {
    assert.deepEqual(secretRef(at("pulsar_manager.configData.JWT_TOKEN")), cluster.manager.token);
    assert.equal(secretRef("INFO"), undefined);
    assert.deepEqual(secretRef(fromSecret({ secret: "a", key: "b" })), { secret: "a", key: "b" });
  });

  test("a bookie's caches are derived from its direct memory, or left to the chart", () => {
    const caches = (of: unknown) =>
      ["dbStorage_writeCacheMaxSizeMb", "dbStorage_readAheadCacheMaxSizeMb", "dbStorage_rocksDB_blockCacheSize"].map(
        (key) => at(`bookkeeper.configData.${key}`, of),
      );
    assert.deepEqual(caches(values(sized({ bookkeeper: { heap: "1Gi", direct: "4Gi" } }))), [
      "1024",
      "1024",
      "429496729",
    ]);
    assert.deepEqual(caches(values(sized({ bookkeeper: { heap: "1Gi" } }))), [undefined, undefined, undefined]);
  });

  test("racks are used by autorecovery", () => {
    assert.equal(
      at("autorecovery.configData.PULSAR_PREFIX_reppDnsResolverClass", values(everything)),
      "org.apache.pulsar.zookeeper.ZkBookieRackAffinityMapping",
    );
  });
});

describe("input of the post-renderer of chart line 2.7", () => {
  const told = (component: string, of: unknown) => {
    const annotations = at(`${component}.annotations`, of) as Record<string, string> | undefined;
    return annotations && (JSON.parse(annotations[podSpecAnnotation] ?? "null") as unknown);
  };
  const zone = {
    topologyKey: "pulsar-stack/zone",
    maxSkew: 1,
    whenUnsatisfiable: "DoNotSchedule",
    nodeTaintsPolicy: "Honor",
  };
  const overZones = {
    ...cluster,
    placements: { ...cluster.placements, proxy: { ...place(3), overZones: true } },
    pods: { ...podSizes({}, {}), proxy: { priorityClass: "high" }, bookkeeper: { priorityClass: "highest" } },
  };

  test("has the spread over zones and the priority class of the components that have them", () => {
    assert.deepEqual(told("proxy", values(overZones)), {
      priorityClassName: "high",
      topologySpreadConstraints: [zone],
    });
    assert.deepEqual(told("bookkeeper", values(overZones)), { priorityClassName: "highest" });
  });

  test("is empty by default", () => {
    for (const component of ["zookeeper", "broker", "autorecovery", "toolset", "pulsar_manager"]) {
      assert.equal(told(component, values(overZones)), undefined, component);
    }
  });
});
