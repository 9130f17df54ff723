/** The SDK's mock monitor (3.270), to which a program registers its resources. */
import { isSecret } from "../../rehearsal/standins/protocol/values.ts";

/** The fields of a request that are used. */
export interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject(): { toJavaScript(): Record<string, unknown> };
  getProtect(): boolean;
  getRetainondelete(): boolean;
}

export const rootType = "pulumi:pulumi:Stack";

type Answer = (error: null, response: object) => void;
type Methods = Record<string, ((request: never, done: Answer) => unknown) | undefined>;

/** Shows each request of a method before the monitor answers it. The monitor does not implement hooks: they are accepted and never run. */
export function watch(monitor: object | undefined, method: string, see: (request: never) => void): void {
  const methods = monitor as unknown as Methods;
  const original = methods[method]?.bind(monitor);
  methods[method] = (request, done) => {
    see(request);
    return original?.(request, done);
  };
  const accept = (_request: never, done: Answer) => {
    done(null, {});
  };
  methods["registerResourceHook"] ??= accept;
  methods["registerErrorHook"] ??= accept;
}

/** The name in a URN. Undefined for the stack, and for an empty URN. */
export function logicalName(urn: string): string | undefined {
  return urn === "" || urn.includes(`::${rootType}::`) ? undefined : urn.split("::").at(-1);
}

/** The inputs that are or contain a secret. */
export function secretKeys(inputs: Record<string, unknown>): string[] {
  return Object.keys(inputs).filter((key) => holdsSecret(inputs[key]));
}

function holdsSecret(value: unknown): boolean {
  return isSecret(value) || (typeof value === "object" && value !== null && Object.values(value).some(holdsSecret));
}

interface Named {
  type: string;
  name: string;
}

export function byTypeAndName(a: Named, b: Named): number {
  return `${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1;
}
