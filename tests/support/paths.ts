/** Sets the value at a path such as `nodes[0].name`. Objects on the way that do not exist are created. */
export function setAt(target: object, path: string, value: unknown): void {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
  const last = keys.pop() ?? "";
  const parent = keys.reduce(
    (at, key) => (at[key] ??= {}) as Record<string, unknown>,
    target as Record<string, unknown>,
  );
  parent[last] = value;
}
