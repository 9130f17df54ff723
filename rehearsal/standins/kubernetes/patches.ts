import type { ResourceHandler } from "../protocol.ts";
import { ApiError } from "./api.ts";
import { apply, fieldManagerOf, forced, relinquish } from "./apply.ts";
import { type Cluster, reachable } from "./cluster.ts";
import { type KubeObject, type Kind, at, idOf, list, parseId } from "./kinds.ts";
import { forDelete, initialized, notCreated, objectHandler } from "./objects.ts";

/**
 * The `*Patch` types: some fields of an object that others own, by server-side apply with a field manager for each resource. As with the official
 * plugin, a preview of a create makes no request, a missing object is created, and a delete gives up the fields.
 */
export function patchHandler(cluster: Cluster, kind: Kind): ResourceHandler {
  const object = objectHandler(cluster, kind);
  return {
    ...object,

    async check(news, olds, call) {
      if (!at(news, "metadata", "name"))
        throw new Error("patch resources require the `.metadata.name` field to be set");
      return (await object.check?.(news, olds, call)) ?? { inputs: news };
    },

    async create(inputs, preview, call) {
      if (preview) return { id: "", outputs: inputs };
      const api = reachable(cluster);
      const patch = inputs as KubeObject;
      const fieldManager = fieldManagerOf({});
      const patched = await apply(api, patch, { fieldManager, force: forced(patch), dryRun: false }).catch(
        (error: unknown) => {
          throw notCreated(error, kind, call);
        },
      );
      return { id: idOf(patched), outputs: await initialized(api, patched, patch, fieldManager, call) };
    },

    async delete(id, _inputs, outputs, call) {
      try {
        await relinquish(forDelete(cluster, call), kind, parseId(id), fieldManagerOf(outputs));
      } catch (error) {
        throw explained(error);
      }
    },
  };
}

/** A required field cannot be given up by its only manager. */
function explained(error: unknown): unknown {
  if (!(error instanceof ApiError) || error.reason !== "Invalid") return error;
  const causes = list(at(error.details, "causes")) as { reason?: string; field?: string }[];
  const required = causes.find(({ reason }) => reason === "FieldValueRequired");
  if (!required) return error;
  return new Error(
    "this Patch resource is currently managing a required field, so it can't be deleted directly. Either set the " +
      "`retainOnDelete` resource option, or transfer ownership of the field before deleting: " +
      (required.field ?? ""),
  );
}
