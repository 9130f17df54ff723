import * as pulumi from "@pulumi/pulumi";
import type { ClusterRef } from "../model/clusterRef.ts";
import { fault } from "../resources/kit/fault.ts";
import { chartSourceFaults } from "./chartSource.ts";
import { contradictions } from "./contradictions.ts";
import { certificateWarnings, expiryFaults, expiryWarnings, waiverFaults } from "./expiry.ts";
import { closest, type Fault, faultsOf, keyOf, message } from "./faults.ts";
import { resolve, type Settings } from "./resolve.ts";
import { isText, schema, secretKeys, validPart } from "./schema.ts";

const secretKeySet: ReadonlySet<string> = new Set(secretKeys);

/** The configuration as Pulumi passes it to a program: all values are text, objects and lists as JSON, and keys have their namespace. */
export interface RawConfig {
  values: Readonly<Record<string, string>>;
  /** Keys whose value is encrypted in the stack file. */
  encrypted: readonly string[];
}

/**
 * Checks the whole configuration of a stack at once.
 *
 * @param dryRun whether this is a preview, which needs no cluster
 * @param checks the time, without which expiry is not checked, and the folder of Pulumi.yaml, without which a chart on disk is not
 * @throws pulumi.RunError one message with every fault, each with its key, the problem (never a secret) and the remedy
 */
export function parseSettings(
  config: RawConfig,
  stack: string,
  dryRun: boolean,
  { now, folder }: { now?: Date; folder?: string } = {},
): Settings {
  const { raw, faults } = ownKeys(config);
  faults.push(...misspelledKeys(config));
  const parsed = schema.safeParse(raw);
  if (!parsed.success) faults.push(...faultsOf(parsed.error.issues, raw, secretKeySet));
  const { given, invalid } = parsed.success ? { given: parsed.data, invalid: [] } : validPart(raw);
  const settings = resolve(given, clusterSettings(config, dryRun, faults));
  faults.push(...contradictions(settings, given, invalid));
  if (now !== undefined) faults.push(...expiryFaults(given, now), ...waiverFaults(settings, now));
  if (folder !== undefined) faults.push(...chartSourceFaults(given, folder));
  if (faults.length > 0) throw fault(message(faults, stack));
  return settings;
}

/**
 * The settings of the stack that is running.
 * @throws pulumi.RunError with every fault found; see `parseSettings`
 */
export function stackSettings(): Settings {
  const values = pulumi.runtime.allConfig();
  // The SDK omits this function from its types (3.270), and Config does not tell which keys are encrypted.
  const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };
  const encrypted = Object.keys(values).filter((key) => isConfigSecret(key));
  const now = new Date();
  const settings = parseSettings({ values, encrypted }, pulumi.getStack(), pulumi.runtime.isDryRun(), {
    now,
    folder: process.cwd(),
  });
  if (settings.layoutName === "dedicated" && !settings.production) {
    void pulumi.log.warn(
      "pulsar:environment is test: nothing of this stack is protected, and settings that production refuses are accepted",
    );
  }
  for (const line of [...settings.warnings, ...expiryWarnings(settings, now)]) void pulumi.log.warn(line);
  return settings;
}

/**
 * Warns in the preview of certificates that end soon.
 * @param ends what each end is of, the end in RFC 3339, and the runbook in docs/operations
 */
export function warnOfEnds(
  ends: readonly { what: string; end: pulumi.Output<string>; runbook: string }[],
  warnDays: number,
): void {
  for (const { end, ...rest } of ends) {
    end.apply((day) => {
      for (const line of certificateWarnings({ ...rest, end: day }, warnDays, new Date())) void pulumi.log.warn(line);
    });
  }
}

/** Every key that this program reads. */
const ownSettings = [
  "kubernetes:context",
  "kubernetes:kubeconfig",
  ...Object.keys(schema.shape).map((key) => keyOf([key])),
];

/** Keys outside `pulsar:` that are close to one of this program. Others may belong to a shared environment. */
function misspelledKeys({ values }: RawConfig): Fault[] {
  return Object.keys(values).flatMap((key) => {
    if (key.startsWith("pulsar:")) return [];
    const meant = closest(key, ownSettings);
    if (meant === undefined || meant === key) return [];
    return [{ key, problem: "is not read by this program", remedy: `did you mean ${meant}?` }];
  });
}

/** The `pulsar:` keys as typed values, and the faults of their encryption. */
function ownKeys(config: RawConfig): { raw: Record<string, unknown>; faults: Fault[] } {
  const raw: Record<string, unknown> = {};
  const faults: Fault[] = [];
  for (const [fullKey, text] of Object.entries(config.values)) {
    if (!fullKey.startsWith("pulsar:")) continue;
    const key = fullKey.slice("pulsar:".length);
    const encrypted = config.encrypted.includes(fullKey);
    if (text === "") continue;
    if (secretKeySet.has(key)) {
      if (!encrypted) {
        faults.push({
          key: fullKey,
          problem: "is in plain text",
          remedy: `encrypt it (pulumi config set --secret ${fullKey})`,
        });
      }
      raw[key] = text;
    } else if (encrypted && Object.hasOwn(schema.shape, key)) {
      faults.push({
        key: fullKey,
        problem: "is encrypted",
        remedy: `set it in plain text: only ${secretKeys.map((secret) => keyOf([secret])).join(", ")} are secrets`,
      });
    } else {
      raw[key] = typed(key, text);
    }
  }
  return { raw, faults };
}

/** Values other than text arrive as JSON. Invalid JSON stays text, which the schema then refuses. */
function typed(key: string, text: string): unknown {
  if (isText(key)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function clusterSettings(config: RawConfig, dryRun: boolean, faults: Fault[]): ClusterRef {
  const context = config.values["kubernetes:context"] || undefined;
  const kubeconfig = config.values["kubernetes:kubeconfig"] || undefined;
  if (kubeconfig !== undefined && /[\n{]/.test(kubeconfig)) {
    faults.push({
      key: "kubernetes:kubeconfig",
      problem: "holds the contents of a kubeconfig, which would put the cluster's credentials into the state",
      remedy: "use the path of a kubeconfig",
    });
    return { context };
  }
  if (!dryRun && context === undefined && kubeconfig === undefined) {
    faults.push({
      key: "kubernetes:context",
      problem: "is not set",
      remedy: "set the kubeconfig context of the cluster that this stack may change",
    });
  }
  return { context, kubeconfig };
}
