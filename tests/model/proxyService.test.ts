import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chartLine, supportedChartVersions } from "../../model/charts/lines.ts";
import type { Manifest } from "../../model/charts/manifest.ts";
import { serviceSpecAnnotation, serviceSpecs } from "../../model/charts/serviceSpec.ts";
import { type ProxyService, proxyServiceSchema } from "../../model/proxyService.ts";
import { cluster, valueAt } from "./charts/support.ts";

const balancer: ProxyService = {
  type: "LoadBalancer",
  annotations: { "example.com/kind": "internal" },
  sourceRanges: ["203.0.113.0/24"],
  ipFamilies: ["IPv6", "IPv4"],
  externalTrafficPolicy: "Local",
};

for (const version of supportedChartVersions) {
  describe(`the proxies' Service of chart ${version}`, () => {
    const service = (proxyService?: ProxyService) =>
      valueAt("proxy.service", chartLine(version).values({ ...cluster, proxyService })) as {
        type: string;
        annotations?: Record<string, string>;
      };

    test("is reachable only inside the cluster by default", () => {
      assert.deepEqual(service(), { type: "ClusterIP" });
      assert.deepEqual(service(proxyServiceSchema.parse({})), { type: "ClusterIP" });
    });

    test("has what the settings say, after the post-renderer", () => {
      const { type, annotations = {} } = service(balancer);
      const object: Manifest = {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "pulsar-proxy", annotations: { ...annotations } },
        spec: { type },
      };
      serviceSpecs([object]);
      assert.deepEqual(object.metadata.annotations, balancer.annotations);
      assert.deepEqual(object.spec, {
        type: "LoadBalancer",
        loadBalancerSourceRanges: ["203.0.113.0/24"],
        ipFamilies: ["IPv6", "IPv4"],
        ipFamilyPolicy: "RequireDualStack",
        externalTrafficPolicy: "Local",
      });
    });

    test("with one family of addresses needs no dual stack", () => {
      const { annotations = {} } = service({ type: "NodePort", annotations: {}, ipFamilies: ["IPv6"] });
      assert.deepEqual(JSON.parse(annotations[serviceSpecAnnotation] ?? ""), {
        ipFamilies: ["IPv6"],
        ipFamilyPolicy: "SingleStack",
      });
    });
  });
}
