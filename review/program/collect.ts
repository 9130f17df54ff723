/**
 * Runs in a child process, in the folder of a checkout: runs its program under the SDK's mocks in preview mode, and sends what it registers.
 * It imports nothing of the program but its entry point and the SDK, so that it can run any commit.
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Pulumi from "@pulumi/pulumi";
import { isSecret, UNKNOWN } from "../../rehearsal/standins/protocol/values.ts";
import type { PlannedResource } from "../plan.ts";
import { byTypeAndName, logicalName, type RegisterRequest, rootType, secretKeys, watch } from "./monitor.ts";

/** What to run: a program, and the configuration as Pulumi passes it to a program. */
export interface Run {
  project: string;
  main: string;
  stack: string;
  values: Record<string, string>;
  encrypted: string[];
}

/** What the program registers, or why it does not. */
export type Collected = { refused: string[] } | { resources: PlannedResource[]; outputs: Record<string, unknown> };

interface OutputsRequest {
  getUrn(): string;
  getOutputs(): { toJavaScript(): Record<string, unknown> };
}
if (process.send) process.once("message", (run: Run) => void collect(run));

async function collect(run: Run): Promise<void> {
  const refuse = (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    finish({ refused: message.split("\n").filter((line) => line.trim() !== "") });
  };
  process.on("uncaughtException", refuse);
  process.on("unhandledRejection", refuse);
  try {
    finish(await registered(run));
  } catch (error) {
    refuse(error);
  }
}

function finish(collected: Collected): void {
  // The first result counts: what fails after it is a consequence.
  process.removeAllListeners("uncaughtException");
  process.removeAllListeners("unhandledRejection");
  process.send?.(collected, () => process.exit(0));
}

async function registered({ project, main, stack, values, encrypted }: Run): Promise<Collected> {
  const folder = process.cwd();
  const { runtime } = createRequire(join(folder, "Pulumi.yaml"))("@pulumi/pulumi") as typeof Pulumi;
  await runtime.setMocks(
    { newResource: ({ name, inputs }) => ({ id: `${name}-id`, state: inputs as object }), call: () => ({}) },
    project,
    stack,
    true,
    "organization",
  );
  runtime.setAllConfig(values, encrypted);

  const resources: PlannedResource[] = [];
  let outputs: Record<string, unknown> = {};
  const monitor = runtime.getMonitor();
  watch(monitor, "registerResource", (request: RegisterRequest) => {
    if (request.getType() !== rootType) resources.push(recorded(request));
  });
  watch(monitor, "registerResourceOutputs", (request: OutputsRequest) => {
    if (request.getUrn().includes(`::${rootType}::`)) outputs = masked(request.getOutputs().toJavaScript());
  });

  await runtime.runInPulumiStack(
    async () => ({ ...((await import(pathToFileURL(join(folder, main)).href)) as object) }) as Record<string, unknown>,
  );
  await runtime.disconnect();
  return { resources: resources.sort(byTypeAndName), outputs };
}

function recorded(request: RegisterRequest): PlannedResource {
  // The stored code of a dynamic provider is not an input that anybody sets.
  const inputs = Object.fromEntries(
    Object.entries(request.getObject().toJavaScript()).filter(([key]) => key !== "__provider"),
  );
  return {
    type: request.getType(),
    name: request.getName(),
    parent: logicalName(request.getParent()),
    inputs: masked(inputs),
    secretInputs: secretKeys(inputs).sort(),
    protect: request.getProtect(),
    retainOnDelete: request.getRetainondelete(),
  };
}

function masked(inputs: Record<string, unknown>): Record<string, unknown> {
  return mask(inputs, false) as Record<string, unknown>;
}

/** The value with markers, and with its keys in order. A secret's marker is a hash of a placeholder, so that another ciphertext shows. */
function mask(value: unknown, secret: boolean): unknown {
  if (value === UNKNOWN) return "[unknown]";
  if (Array.isArray(value)) return value.map((item) => mask(item, secret));
  if (isSecret(value)) return mask(value.value, true);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, inner]) => [key, mask(inner, secret)]));
  }
  if (!secret || value === null || value === undefined) return value;
  return `[secret ${createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 8)}]`;
}
