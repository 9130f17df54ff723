import type { Add } from "./faults.ts";
import type { Settings } from "./resolve.ts";
import { adoptable } from "../model/tenants.ts";
import type { Parsed } from "./schema.ts";

type Path = PropertyKey[];
type Permissions = Parsed["tenants"][number]["namespaces"][number]["permissions"];

/** Faults of tenants that involve more than one value. */
export function tenantFaults(
  { chart, line }: Settings,
  add: Add,
  { tenants, adoptedTenants }: Parsed,
  invalid: readonly string[],
) {
  const once = (path: Path, items: readonly string[], last?: PropertyKey) => {
    items.forEach((item, i) => {
      if (items.indexOf(item) < i)
        add(
          [...path, i, ...(last === undefined ? [] : [last])],
          `${JSON.stringify(item)} is in the list more than once`,
          "list it only once",
        );
    });
  };
  const notManaged = (path: Path, owned: { create: boolean }, keys: string[]) => {
    if (owned.create) return;
    for (const key of keys) {
      const value = (owned as Record<string, unknown>)[key];
      if (value !== undefined)
        add(
          [...path, key],
          `${JSON.stringify(value)} has no effect with create false`,
          "remove it, or set create to true",
        );
    }
  };
  const permitted = (path: Path, permissions: Permissions) => {
    once(
      path,
      permissions.map(({ role }) => role),
      "role",
    );
    permissions.forEach(({ actions }, i) => {
      once([...path, i, "actions"], actions);
      if (invalid.includes("chart")) return;
      const known = line.actions;
      for (const action of actions.filter((action) => !known.includes(action)))
        add(
          [...path, i, "actions"],
          `${action} is unknown to the Pulsar of chart ${chart.version}`,
          `use ${known.join(", ")}`,
        );
    });
  };
  const named = (path: Path, items: readonly { name: string }[]) => {
    once(
      path,
      items.map(({ name }) => name),
      "name",
    );
  };

  named(["tenants"], tenants);
  tenants.forEach((tenant, i) => {
    const path = ["tenants", i];
    notManaged(path, tenant, ["adminRoles", "allowedClusters"]);
    once([...path, "adminRoles"], tenant.adminRoles ?? []);
    once([...path, "allowedClusters"], tenant.allowedClusters ?? []);
    named([...path, "namespaces"], tenant.namespaces);
    tenant.namespaces.forEach((namespace, j) => {
      const path = ["tenants", i, "namespaces", j];
      notManaged(path, namespace, ["messageTtlSeconds", "retention"]);
      permitted([...path, "permissions"], namespace.permissions);
      named([...path, "topics"], namespace.topics);
      namespace.topics.forEach((topic, k) => {
        notManaged([...path, "topics", k], topic, ["partitions"]);
        permitted([...path, "topics", k, "permissions"], topic.permissions);
      });
    });
  });
  once(["adoptedTenants"], adoptedTenants);
  const paths = tenants.flatMap(pathsIn);
  adoptedTenants.forEach((path, i) => {
    if (!paths.includes(path))
      add(["adoptedTenants", i], `${JSON.stringify(path)} is not in pulsar:tenants`, `use ${adoptable}`);
  });
}

/** The paths of a tenant and of everything in it. */
function pathsIn({ name, namespaces }: Parsed["tenants"][number]): string[] {
  return [
    name,
    ...namespaces.flatMap((namespace) => {
      const path = `${name}/${namespace.name}`;
      return [path, ...namespace.topics.map((topic) => `${path}/${topic.name}`)];
    }),
  ];
}
