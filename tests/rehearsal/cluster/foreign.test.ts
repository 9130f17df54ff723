import assert from "node:assert/strict";
import { it } from "node:test";
import { createForeignObjects, withoutForeign } from "../../../rehearsal/cluster/foreign.ts";
import type { Api } from "../../../rehearsal/cluster/api.ts";
import { observe } from "../../../rehearsal/cluster/observe.ts";

it("withoutForeign removes the objects of the rehearsal, and nothing of the user's", async () => {
  const metadata = { name: "node1", labels: { "example.com/team": "a" } };
  const node: Record<string, Record<string, unknown>> = {
    metadata,
    spec: { taints: [{ key: "example.com/team", value: "a", effect: "NoSchedule" }] },
  };
  const volumes: unknown[] = [{ metadata: { name: "the-users" } }];
  const none = async () => ({ items: [] });
  const api = {
    objects: {
      create: async (made: { kind: string }) => made.kind === "PersistentVolume" && volumes.push(made),
    },
    core: {
      readNode: async () => node,
      patchNode: async ({ body }: { body: { path: string; value: unknown }[] }) => {
        for (const { path, value } of body) {
          const [, part = "", field = ""] = path.split("/");
          node[part] = { ...node[part], [field]: value };
        }
      },
      listNode: async () => ({ items: [node] }),
      listPersistentVolume: async () => ({ items: volumes }),
      listNamespacedPod: none,
      listNamespacedPersistentVolumeClaim: none,
      listNamespacedService: none,
      listNamespacedEvent: none,
    },
    batch: { listNamespacedJob: none },
    apps: { listNamespacedStatefulSet: none, listNamespacedDeployment: none },
  } as unknown as Api;
  const before = await observe(api, "pulsar");
  await createForeignObjects(api, [{ metadata }]);
  const planted = await observe(api, "pulsar");
  assert.equal(JSON.stringify(planted).split("somebody-elses").length - 1, 3);
  assert.deepEqual(withoutForeign(planted), before);
});
