import { generateKeyPairSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registered {
  type: string;
  name: string;
  /** URN's chain of types: parents' types, outermost first, and its own. */
  types: string[];
  /** Inputs with secrets taken out of their wrapping. */
  inputs: Record<string, unknown>;
  /** Top-level inputs that hold a secret. */
  secretInputs: string[];
}

const secretSignature = "4dabf18193072939515e22adb298388d";

/** One RSA key for all tests: making one takes long. */
const testKey = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const testKeyPem = testKey.privateKey.export({ type: "pkcs1", format: "pem" });

/**
 * Runs a program against mocks and returns what it registered, in a stable order. Only resources the program really makes are answered;
 * an invoke is a fault.
 */
export async function register(program: () => unknown, options: { preview?: boolean } = {}): Promise<Registered[]> {
  const registered: Registered[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => {
        if (custom ?? true) {
          // Types of parents are filled in below; the mock is not told them.
          registered.push({ type, name, types: [], ...unwrap(inputs as Record<string, unknown>) });
        }
        const plain = unwrap(inputs as Record<string, unknown>).inputs;
        return { id: `${name}-id`, state: { ...plain, ...computed(type) } };
      },
      call: ({ token }) => {
        throw new Error(`unexpected call of ${token}`);
      },
    },
    "pulsar",
    "test",
    options.preview ?? false,
    "organization",
  );
  acceptHooks();
  await pulumi.runtime.runInPulumiStack(async () => {
    await program();
    return {};
  });
  await pulumi.runtime.disconnect();
  return registered.sort((a, b) => (`${a.type} ${a.name}` < `${b.type} ${b.name}` ? -1 : 1));
}

/** The SDK's mock monitor knows no resource hooks (3.270); here they are accepted and never run. */
function acceptHooks() {
  const monitor = pulumi.runtime.getMonitor() as unknown as {
    registerResourceHook?: (request: unknown, done: (error: null, response: object) => void) => void;
  };
  monitor.registerResourceHook ??= (_request, done) => {
    done(null, {});
  };
}

function computed(type: string): Record<string, unknown> {
  return type === "tls:index/privateKey:PrivateKey" ? { privateKeyPem: testKeyPem } : {};
}

function unwrap(inputs: Record<string, unknown>): Pick<Registered, "inputs" | "secretInputs"> {
  const secretInputs = Object.keys(inputs).filter((key) => isSecret(inputs[key]));
  return { inputs: plain(inputs) as Record<string, unknown>, secretInputs };
}

function isSecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && secretSignature in value;
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return plain((value as { value: unknown }).value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
