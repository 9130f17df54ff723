import type { Api } from "../cluster/api.ts";
import { repeat } from "../cluster/waiting.ts";

/** Stands in for a cloud's controller: until it is closed, it gives each Service of type LoadBalancer an address, where nothing listens (RFC 5737). */
export function startLoadBalancer(api: Api): { close(): void } {
  return repeat(async () => {
    const { items } = await api.core.listServiceForAllNamespaces();
    for (const { metadata, spec, status } of items) {
      if (spec?.type !== "LoadBalancer" || status?.loadBalancer?.ingress !== undefined) continue;
      const id = { name: metadata?.name ?? "", namespace: metadata?.namespace ?? "" };
      // A JSON patch, the client's default.
      const body = [{ op: "add", path: "/status/loadBalancer", value: { ingress: [{ ip: "192.0.2.1" }] } }];
      await api.core.patchNamespacedServiceStatus({ ...id, body });
    }
  });
}
