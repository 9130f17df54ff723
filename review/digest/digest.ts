/** What was reviewed, as one hash with named parts. `npm run apply` runs `pulumi up` only while none of them differs. */
import { createHash } from "node:crypto";
import type { StackPlan } from "../plan.ts";

/** What is not in the plan. */
export interface ReviewedFiles {
  /** The text of `Pulumi.<stack>.yaml`. It has the ciphertexts, so a secret that is set again counts as a change. */
  stackFile: string;
  /** The text of Pulumi.yaml. */
  project: string;
  /** The hash of the git tree of the program's folder: every file of the commit, but not its author, time or message. */
  tree: string;
}

const partNames = ["stack file", "program", "resources", "manifests", "chart", "images"] as const;
export type Part = (typeof partNames)[number];

export interface Digest {
  overall: string;
  parts: Partial<Record<Part, string>>;
}

const version = "v1";
const form = /v1:[0-9a-f]{32}(?:,[a-z-]+=[0-9a-f]{16})*/g;

export function digestOf(plan: StackPlan, { stackFile, project, tree }: ReviewedFiles): Digest {
  const { chart, resources, objects } = plan;
  const contents: Record<Part, unknown> = {
    "stack file": [plan.stack, stackFile, project],
    program: tree,
    resources,
    manifests: objects,
    chart: [chart.name, chart.version, chart.source, chart.digest],
    images: [...new Set([...imagesIn(objects), ...imagesIn(resources)])].sort(),
  };
  const hashes = partNames.map((part) => hash(contents[part]));
  return {
    overall: hash(hashes).slice(0, 32),
    parts: Object.fromEntries(partNames.map((part, index) => [part, hashes[index]?.slice(0, 16)])),
  };
}

/** The form for comments and command lines: `v1:<hash>,stack-file=<hash>,program=<hash>,...`, without spaces. */
export function digestText({ overall, parts }: Digest): string {
  const shown = partNames.flatMap((part) => (parts[part] === undefined ? [] : [`${idOf(part)}=${parts[part]}`]));
  return [`${version}:${overall}`, ...shown].join(",");
}

/**
 * The only digest in a text.
 *
 * @throws Error of one line without a subject if there is none, or more than one
 */
export function digestIn(text: string): Digest {
  // In a review, values that look like a digest may follow its own.
  const own = /^Digest for npm run apply: `(v1:[^`]+)`$/m.exec(text)?.[1];
  const [found, ...others] = new Set((own ?? text).match(form));
  if (found === undefined) throw new Error("has no digest");
  if (others.length > 0) throw new Error("has several digests");
  const [overall = "", ...shown] = found.slice(version.length + 1).split(",");
  const byId = new Map(shown.map((one) => one.split("=") as [string, string]));
  return { overall, parts: Object.fromEntries(partNames.map((part) => [part, byId.get(idOf(part))])) };
}

const differs: Record<Part, string> = {
  "stack file": "Pulumi.yaml or the stack file has another content",
  program: "the commit has other files",
  resources: "the program registers other resources",
  manifests: "the chart renders other objects",
  chart: "the chart has other files",
  images: "the pods use other images",
};

/** One line for each part that differs from what was reviewed; none if nothing does. */
export function changedSince(reviewed: Digest, current: Digest): string[] {
  if (reviewed.overall === current.overall) return [];
  const again = "review it again, and apply with the new digest";
  const changed = partNames.filter(
    (part) => reviewed.parts[part] !== undefined && reviewed.parts[part] !== current.parts[part],
  );
  if (changed.length === 0) return [`digest: something differs from what was reviewed; ${again}`];
  return changed.map((part) => `${part}: ${differs[part]} than reviewed; ${again}`);
}

function idOf(part: Part): string {
  return part.replace(" ", "-");
}

function hash(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

function imagesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]: [string, unknown]) =>
    field === "image" && typeof inner === "string" ? [inner] : imagesIn(inner),
  );
}
