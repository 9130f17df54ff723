/**
 * What a preview of the test stack is measured against (`npm run bench`): the resources of its golden file, registered one by one with the vendors' SDKs.
 * It has no settings, components or hooks; the ratio shows what those cost.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as kubernetes from "@pulumi/kubernetes";
import * as postgresql from "@pulumi/postgresql";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { checkingProvider, storedProvider } from "../../../resources/kit/storedProvider.ts";

interface GoldenResource {
  type: string;
  name: string;
  /** False for components. */
  custom: boolean;
  dependsOn: string[];
  options: { retainOnDelete?: boolean; additionalSecretOutputs?: string[] };
  inputs: Record<string, unknown>;
}

/** A resource, which may be a provider. */
type Registered = pulumi.CustomResource & pulumi.ProviderResource;
type Resource = new (name: string, inputs: object, options: pulumi.CustomResourceOptions) => Registered;

const root = "../../..";
const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, root, "tests/golden/test.json"), "utf8"),
) as GoldenResource[];
const custom = new Map(golden.filter((resource) => resource.custom).map((resource) => [resource.name, resource]));
const chart = new pulumi.Config().getObject<{ source: string }>("chart")?.source;
const sdks: Record<string, unknown> = { kubernetes, postgresql, tls };
const registered = new Map<string, Registered>();

/** Registers a resource after those that it depends on. */
function register({ type, name, dependsOn, options, inputs }: GoldenResource): Registered {
  const present = registered.get(name);
  if (present) return present;
  const { retainOnDelete, additionalSecretOutputs } = options;
  const resource = new (classOf(type))(name, plainInputs(type, inputs), {
    dependsOn: dependsOn.flatMap((other) => custom.get(other) ?? []).map(register),
    ...providerOf(type),
    ...(retainOnDelete === undefined ? {} : { retainOnDelete }),
    ...(additionalSecretOutputs === undefined ? {} : { additionalSecretOutputs }),
  });
  registered.set(name, resource);
  return resource;
}

/** The provider of a type, where the stack has one of its own. */
function providerOf(type: string): { provider?: pulumi.ProviderResource } {
  const provider = golden.find((resource) => resource.type === `pulumi:providers:${type.replace(/:.*/, "")}`);
  return provider ? { provider: register(provider) } : {};
}

/** The SDK's class of a type token, such as `kubernetes:storage.k8s.io/v1:StorageClass` or `postgresql:index/role:Role`. */
function classOf(type: string): Resource {
  const [sdk = "", module = "", kind = ""] = type.split(":");
  if (sdk === "pulumi") return at(sdks[kind], ["Provider"]);
  if (sdk === "pulumi-nodejs") return dynamicClass(kind);
  const [group = "", version = ""] = module.split("/");
  return at(sdks[sdk], sdk === "kubernetes" ? [group.split(".")[0] ?? "", version, kind] : [kind]);
}

function at(from: unknown, path: readonly string[]): Resource {
  return path.reduce((value, key) => (value as Record<string, unknown>)[key], from) as Resource;
}

/** The stack's own resources, with the modules of the program. */
function dynamicClass(kind: string): Resource {
  const file = `${kind.charAt(0).toLowerCase()}${kind.slice(1)}Provider.ts`;
  const path = ["kubernetes", "postgres", "pulsar"]
    .map((system) => `${root}/resources/${system}/${file}`)
    .find((candidate) => existsSync(join(import.meta.dirname, candidate)));
  if (path === undefined) throw new Error(`${file} is not in resources/`);
  const provider = kind === "VolumeContract" ? checkingProvider(path) : storedProvider(path);
  class Dynamic extends pulumi.dynamic.Resource {
    constructor(name: string, inputs: object, options: pulumi.CustomResourceOptions) {
      super(provider, name, inputs, options, "pulsar", kind);
    }
  }
  return Dynamic;
}

function plainInputs(type: string, inputs: Record<string, unknown>): object {
  const own = Object.entries(inputs).filter(([key]) => key !== "__provider");
  // The golden file has the inputs of a provider as Pulumi passes them on: as JSON.
  const isJson = (value: unknown) => type.startsWith("pulumi:providers:") && /^(true|false|\d+)$/.test(String(value));
  const plain = Object.fromEntries(
    own.map(([key, value]) => {
      if (value === "[secret]") return [key, pulumi.secret("")];
      return [key, isJson(value) ? (JSON.parse(String(value)) as unknown) : value];
    }),
  );
  return type === "kubernetes:helm.sh/v3:Release" && chart !== undefined ? { ...plain, chart } : plain;
}

for (const resource of custom.values()) register(resource);
