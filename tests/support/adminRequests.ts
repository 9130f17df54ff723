/** An answer of the admin API: its JSON as what it stands for, anything else as text. */
export interface AdminAnswer {
  status: number;
  body: unknown;
}

/** Asks the admin API as an operator would with curl. @param path below /admin/v2 */
export function asker(address: string, token?: string) {
  return async (method: string, path: string, body?: unknown): Promise<AdminAnswer> => {
    const response = await fetch(`${address}/admin/v2${path}`, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true && text !== "";
    return { status: response.status, body: isJson ? (JSON.parse(text) as unknown) : text };
  };
}

/** An answer with its lists of names in order: they are sets, which a broker tells in any order. */
export function sorted(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(sorted).sort();
  if (typeof body !== "object" || body === null) return body;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, sorted(value)]));
}
