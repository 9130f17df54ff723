/** A response of the admin API: parsed JSON, or text. */
export interface AdminAnswer {
  status: number;
  body: unknown;
}

/** Sends a request to the admin API, like curl. @param path below /admin/v2 */
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

/** A response with sorted lists of names, because a broker returns these sets in any order. */
export function sorted(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(sorted).sort();
  if (typeof body !== "object" || body === null) return body;
  return Object.fromEntries(Object.entries(body).map(([key, value]) => [key, sorted(value)]));
}
