import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { Props } from "../../rehearsal/standins/protocol.ts";
import {
  byTypeAndName,
  logicalName,
  type RegisterRequest,
  rootType,
  secretKeys,
  watch,
} from "../../review/program/monitor.ts";
import { isSecret } from "../../rehearsal/standins/protocol/values.ts";
import { certRequest, locallySignedCert, selfSignedCert } from "../../rehearsal/standins/tls/certificates.ts";

/** A resource or component as registered with the engine. */
export interface Registered {
  type: string;
  name: string;
  /** Logical name of its parent component. Undefined without a parent. */
  parent?: string;
  custom: boolean;
  /** Inputs, with unwrapped secrets. */
  inputs: Record<string, unknown>;
  /** Top-level inputs that are or contain a secret. */
  secretInputs: string[];
  /** Sorted logical names of its dependencies. */
  dependsOn: string[];
  /** Options that differ from their default. */
  options: Record<string, unknown>;
}

interface MockRequest extends RegisterRequest {
  getCustom(): boolean;
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getCustomtimeouts(): { toObject(): Record<string, string> } | undefined;
  getAdditionalsecretoutputsList(): string[];
  getHooks():
    | { getBeforeCreateList(): string[]; getBeforeUpdateList(): string[]; getOnErrorList(): string[] }
    | undefined;
}

/** An RSA and an ECDSA key for all tests of a process, because generating them is slow. */
export const testKeyPem = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs1", format: "pem" })
  .toString();
export const testEcKeyPem = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "sec1", format: "pem" })
  .toString();

interface RegisterOptions {
  preview?: boolean;
  stack?: string;
  /** The PEM of a private key by its logical name. @default the same key for all */
  newKey?: (name: string, algorithm: unknown) => string;
  /** `placeholders` depend on the logical names only, so that golden files and the hashes in them are the same in each run. @default "real" */
  certificates?: "real" | "placeholders";
}

/**
 * Runs a program with mocks and returns its resources, sorted by type and name. Outputs are the inputs, with the computed outputs that the
 * program uses. An invoke is an error, because the program has none.
 */
export async function register(
  program: () => unknown,
  { preview = false, stack = "test", newKey = testKey, certificates = "real" }: RegisterOptions = {},
): Promise<Registered[]> {
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs }) => {
        const plain = unwrap(inputs) as Props;
        return {
          id: `${name}-id`,
          state: {
            ...plain,
            ...(preview
              ? {}
              : certificates === "placeholders" && type in certificateTypes
                ? placeholders(name)
                : await computed(type, plain, () => newKey(name, plain.algorithm))),
          },
        };
      },
      call: ({ token }) => {
        throw new Error(`unexpected call of ${token}`);
      },
    },
    "pulsar",
    stack,
    preview,
    "organization",
  );
  const registered: Registered[] = [];
  watch(pulumi.runtime.getMonitor(), "registerResource", (request: MockRequest) => registered.push(recorded(request)));
  await pulumi.runtime.runInPulumiStack(async () => {
    await program();
    return {};
  });
  await pulumi.runtime.disconnect();
  return registered.filter(({ type }) => type !== rootType).sort(byTypeAndName);
}

/** The same for a program that makes one thing, which is returned too. */
export async function registerOne<T>(
  make: () => T,
  options?: RegisterOptions,
): Promise<{ made: T; registered: Registered[] }> {
  const things: T[] = [];
  const registered = await register(() => void things.push(make()), options);
  const [made] = things as [T];
  return { made, registered };
}

/** The only resource with this name. */
export function named(registered: readonly Registered[], name: string): Registered {
  const found = registered.filter((resource) => resource.name === name);
  const [resource] = found;
  if (resource === undefined || found.length > 1) throw new Error(`${found.length} resources are named ${name}`);
  return resource;
}

/** The value of an output. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve as (value: unknown) => void));
}

function recorded(request: MockRequest): Registered {
  const inputs = request.getObject().toJavaScript();
  const deletedWith = request.getDeletedwith();
  const hooks = request.getHooks();
  return {
    type: request.getType(),
    name: request.getName(),
    parent: logicalName(request.getParent()),
    custom: request.getCustom(),
    inputs: unwrap(inputs) as Record<string, unknown>,
    secretInputs: secretKeys(inputs),
    dependsOn: request
      .getDependenciesList()
      .map((urn) => logicalName(urn) ?? "")
      .sort(),
    options: Object.fromEntries(
      Object.entries({
        protect: request.getProtect() || undefined,
        retainOnDelete: request.getRetainondelete() || undefined,
        deletedWith: deletedWith === "" ? undefined : logicalName(deletedWith),
        customTimeouts: nonEmpty(request.getCustomtimeouts()?.toObject()),
        additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
        beforeCreate: hooks?.getBeforeCreateList(),
        beforeUpdate: hooks?.getBeforeUpdateList(),
        onError: hooks?.getOnErrorList(),
      }).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
    ),
  };
}

/** The time limits that are set. Undefined if there are none. */
function nonEmpty(timeouts: Record<string, string> = {}): Record<string, string> | undefined {
  const set = Object.entries(timeouts).filter(([, limit]) => limit !== "");
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

const certificateTypes: Record<string, typeof certRequest> = {
  "tls:index/selfSignedCert:SelfSignedCert": selfSignedCert,
  "tls:index/certRequest:CertRequest": certRequest,
  "tls:index/locallySignedCert:LocallySignedCert": locallySignedCert,
};

function placeholders(name: string): Props {
  const pem = (label: string) => `-----BEGIN ${label}-----\n${name}\n-----END ${label}-----\n`;
  return {
    certPem: pem("CERTIFICATE"),
    certRequestPem: pem("CERTIFICATE REQUEST"),
    validityEndTime: "2999-01-01T00:00:00Z",
  };
}

const testKey = (_name: string, algorithm: unknown) => (algorithm === "ECDSA" ? testEcKeyPem : testKeyPem);

async function computed(type: string, inputs: Props, newKey: () => string): Promise<Props> {
  const certificate = certificateTypes[type];
  if (certificate !== undefined) return (await certificate.create(inputs)).outputs;
  if (type !== "tls:index/privateKey:PrivateKey") return {};
  const privateKeyPem = newKey();
  const privateKeyPemPkcs8 = createPrivateKey(privateKeyPem).export({ type: "pkcs8", format: "pem" });
  return { privateKeyPem, privateKeyPemPkcs8, publicKeyFingerprintSha256: "SHA256:of-the-test-key" };
}

function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return unwrap(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrap(inner)]));
}
