import type { Image } from "./cluster.ts";

/** An image as pods ask for it: `repository:tag`, with `@sha256:...` behind it where it is pinned. */
export function imageRef(image: Image): string {
  const { repository, tag } = imageValues(image);
  return `${repository}:${tag}`;
}

/** An image as both charts take it. They write `repository:tag` (2.7.7 and 4.7.0), so that a digest is said as the end of the tag. */
export function imageValues({ repository, tag, digest }: Image): { repository: string; tag: string } {
  return { repository, tag: digest === undefined ? tag : `${tag}@${digest}` };
}

/**
 * Whether a repository says which registry it is in: its first part has a dot or a colon, or is `localhost`. Others are Docker Hub's
 * (distribution/reference, which container runtimes go by).
 */
export function namesRegistry(repository: string): boolean {
  return /^(localhost|[^/]*[.:][^/]*)\//.test(repository);
}

/** Host and port of the registry that a repository is in. */
export function registryHost(repository: string): string {
  return namesRegistry(repository) ? (repository.split("/")[0] ?? "") : "docker.io";
}

/** A repository as it is called in the stack's registry, if it has one of its own. */
export function inRegistry(repository: string, registry: string | undefined): string {
  return registry === undefined ? repository : `${registry}/${repository}`;
}

/** The public name of a repository, which may be one of `inRegistry`: with its registry, `docker.io` where it says none. */
export function publicName(repository: string, registry: string | undefined): string {
  const own = registry === undefined ? repository : repository.slice(`${registry}/`.length);
  if (namesRegistry(own)) return own;
  return own.includes("/") ? `docker.io/${own}` : `docker.io/library/${own}`;
}

/** An image of the stack, and what runs it. */
export interface StackImage {
  image: Image;
  runs: string;
}

/**
 * Every image that a pod of the stack may ask for, hooks and Jobs included. The same in each chart line: the lines' values give the chart no
 * others, and switch off what would need them (4.7.0: the hooks that run kubectl, Dekaf, Oxia).
 */
export function stackImages({ pulsar, manager }: { pulsar: Image; manager: Image }): StackImage[] {
  return [
    { image: pulsar, runs: "ZooKeeper, bookies, brokers, proxies, autorecovery, toolset, all Jobs" },
    { image: manager, runs: "Pulsar Manager" },
  ];
}
