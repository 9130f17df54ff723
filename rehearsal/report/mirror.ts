/** The images and the chart to copy for an installation without internet access. */
import { posix } from "node:path";
import { stringify } from "yaml";
import { type Image, imageRef, publicName, stackImages } from "../../model/charts/images.ts";
import type { Settings } from "../../settings/resolve.ts";
import { RehearsalError } from "../engine/fault.ts";
import { alignColumns } from "./rows.ts";

export const formats = ["list", "skopeo", "crane"] as const;
export type Format = (typeof formats)[number];

/** The settings that it uses. */
export type MirrorSettings = Pick<Settings, "registry" | "images" | "chart">;

interface Copy {
  /** The public image. */
  from: Image;
  /** The image that the pods use. */
  to: Image;
  runs: string;
}

/**
 * Images and chart of a stack as text: `list` for people, `skopeo` as a source file of `skopeo sync --src yaml`, `crane` as a shell script.
 *
 * @throws RehearsalError if there is no registry to copy to, or if skopeo cannot copy everything with one command
 */
export function render(stack: string, { registry, images, chart }: MirrorSettings, format: Format): string {
  const copies = stackImages(images).map(({ image, runs }): Copy => ({
    from: { ...image, repository: publicName(image.repository, registry) },
    to: image,
    runs,
  }));
  if (format === "list") return list(stack, copies, { registry, chart });
  if (registry === undefined) {
    throw new RehearsalError(
      `--format ${format}: pulsar:registry of stack ${stack} is not set, so there is nothing to copy to`,
    );
  }
  const lines = format === "skopeo" ? skopeo(copies) : copies.map(crane);
  return [`# The chart of stack ${stack}: ${chartSource(chart)}`, ...lines].join("\n");
}

function list(
  stack: string,
  copies: readonly Copy[],
  { registry, chart }: Pick<MirrorSettings, "registry" | "chart">,
): string {
  const rows =
    registry === undefined
      ? [["image", "runs"], ...copies.map(({ from, runs }) => [imageRef(from), runs])]
      : [["from", "to", "runs"], ...copies.map(({ from, to, runs }) => [imageRef(from), imageRef(to), runs])];
  return [
    `Images of the stack ${stack}`,
    ...alignColumns(rows).map((line) => `  ${line}`),
    ...(registry === undefined ? ["  pulsar:registry is not set, so there is nothing to copy to"] : []),
    `Chart pulsar ${chart.version}`,
    `  ${chartSource(chart)}`,
  ].join("\n");
}

/** How to get the chart. */
function chartSource({ source, version }: MirrorSettings["chart"]): string {
  if (/^https?:/.test(source)) return `helm pull pulsar --repo ${source} --version ${version}`;
  if (source.startsWith("oci:")) return `helm pull ${source} --version ${version}`;
  return `is at ${source}`;
}

/** `skopeo sync` keeps only the last part of a repository's name, so all images must go to the same destination folder. */
function skopeo(copies: readonly Copy[]): string[] {
  const folders = [...new Set(copies.map(({ to }) => posix.dirname(to.repository)))];
  if (folders.length > 1) {
    throw new RehearsalError(
      `--format skopeo: the images go to ${folders.join(" and ")}, but skopeo sync copies to one folder at a time; use --format crane`,
    );
  }
  const sources: Record<string, { images: Record<string, string[]> }> = {};
  for (const { from } of copies) {
    const slash = from.repository.indexOf("/");
    const { images } = (sources[from.repository.slice(0, slash)] ??= { images: {} });
    (images[from.repository.slice(slash + 1)] ??= []).push(from.digest ?? from.tag);
  }
  return [
    `# skopeo sync --all --src yaml --dest docker THIS-FILE ${folders.join("")}`,
    stringify(sources, { lineWidth: 0 }).trimEnd(),
  ];
}

/** A pinned image is copied by its digest. It gets its tag, because registries may delete untagged images. */
function crane({ from, to }: Copy): string {
  const source = from.digest === undefined ? imageRef(from) : `${from.repository}@${from.digest}`;
  return `crane copy ${source} ${to.repository}:${to.tag}`;
}
