import type { z } from "zod";
import { supportedManagerVersions } from "../managerSchemas/index.ts";
import * as scalar from "../scalars.ts";

export const imagesSchema = scalar
  .object({
    pulsar: scalar.image
      .optional()
      .meta({ description: "Image of Pulsar, with its tag.", otherwise: "the chart version's" }),
    manager: scalar.image
      .refine((image) => supportedManagerVersions.includes(image.tag), {
        error: `an image whose tag is a pulsar-manager version with a known schema: ${supportedManagerVersions.join(", ")}`,
      })
      .optional()
      .meta({ description: "Image of Pulsar Manager, with its tag.", otherwise: "the chart version's" }),
    pullSecret: scalar.name.optional().describe("Name of the registry's pull Secret."),
  })
  .prefault({})
  .describe("Images. A digest may follow the tag (`@sha256:...`).");

/** An image; its repository includes the registry, if any. The tag without digest determines the database schema. */
export type Image = z.output<typeof scalar.image>;

/** The image reference of a pod: `repository:tag`, followed by `@sha256:...` if the image is pinned. */
export function imageRef(image: Image): string {
  const { repository, tag } = imageValues(image);
  return `${repository}:${tag}`;
}

/** An image in the values of both charts. They write `repository:tag` (2.7.7 and 4.7.0), so a digest is appended to the tag. */
export function imageValues({ repository, tag, digest }: Image): { repository: string; tag: string } {
  return { repository, tag: digest === undefined ? tag : `${tag}@${digest}` };
}

/**
 * Whether a repository includes its registry: its first part has a dot or a colon, or is `localhost`. Others are on Docker Hub
 * (distribution/reference, which container runtimes use).
 */
export function namesRegistry(repository: string): boolean {
  return /^(localhost|[^/]*[.:][^/]*)\//.test(repository);
}

/** Host and port of the registry that a repository is in. */
export function registryHost(repository: string): string {
  return namesRegistry(repository) ? (repository.split("/")[0] ?? "") : "docker.io";
}

/** The name of a repository in the stack's own registry, if it has one. */
export function inRegistry(repository: string, registry: string | undefined): string {
  return registry === undefined ? repository : `${registry}/${repository}`;
}

/** The public name of a repository, including the registry (`docker.io` if it has none). Undoes `inRegistry`. */
export function publicName(repository: string, registry: string | undefined): string {
  const own = registry === undefined ? repository : repository.slice(`${registry}/`.length);
  if (namesRegistry(own)) return own;
  return own.includes("/") ? `docker.io/${own}` : `docker.io/library/${own}`;
}

/** An image of the stack, and the pods that run it. */
export interface StackImage {
  image: Image;
  runs: string;
}

/**
 * Every image of the stack's pods, including hooks and Jobs. It is the same in each chart line: the values name no other images and disable
 * what would need them (4.7.0: the hooks that run kubectl, Dekaf, Oxia).
 */
export function stackImages({ pulsar, manager }: { pulsar: Image; manager: Image }): StackImage[] {
  return [
    { image: pulsar, runs: "ZooKeeper, bookies, brokers, proxies, autorecovery, toolset, all Jobs" },
    { image: manager, runs: "Pulsar Manager" },
  ];
}
