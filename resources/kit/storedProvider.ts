import type { dynamic } from "@pulumi/pulumi";

/** What the module of a dynamic provider exports. */
export interface ProviderModule<Inputs, Outputs> {
  diff: (id: string, olds: Outputs, news: Inputs) => dynamic.DiffResult;
  create: (inputs: Inputs) => Promise<dynamic.CreateResult<Outputs>>;
  read: (id: string, props: Outputs) => Promise<dynamic.ReadResult<Outputs>>;
  update: (id: string, olds: Outputs, news: Inputs) => Promise<dynamic.UpdateResult<Outputs>>;
  remove: (id: string, props: Outputs) => Promise<void>;
}

/** A provider module that can also refuse a change. */
export interface CheckingModule<Inputs, Outputs> extends ProviderModule<Inputs, Outputs> {
  /** @param olds the previous inputs; empty for a new resource */
  check: (olds: Partial<Inputs>, news: Inputs) => dynamic.CheckResult<Inputs>;
}

/**
 * The dynamic provider whose code is in a module of its own. Pulumi stores a provider as source text in the state; this text only imports the
 * module, so a refresh or destroy runs the current code, and a preview does not spend a third of a second on serializing functions. The module
 * must therefore keep its path.
 *
 * It has no `check`, so the preview of a new resource does not load the module.
 * @param path path of the module, relative to the folder of Pulumi.yaml, where the engine runs the text
 */
export function storedProvider<Inputs, Outputs>(path: string): dynamic.ResourceProvider<Inputs, Outputs> {
  const load = async () => (await import(path)) as ProviderModule<Inputs, Outputs>;
  return {
    diff: async (id, olds, news) => (await load()).diff(id, olds, news),
    create: async (inputs) => (await load()).create(inputs),
    // The engine only reads resources that are in the state, so it always has their outputs.
    read: async (id, props) => (await load()).read(id, props as Outputs),
    update: async (id, olds, news) => (await load()).update(id, olds, news),
    delete: async (id, props) => (await load()).remove(id, props),
  };
}

/** The same with a `check`, which runs in every preview and `up` before anything changes; its failures end the run. */
export function checkingProvider<Inputs, Outputs>(path: string): dynamic.ResourceProvider<Inputs, Outputs> {
  const load = async () => (await import(path)) as CheckingModule<Inputs, Outputs>;
  return { ...storedProvider<Inputs, Outputs>(path), check: async (olds, news) => (await load()).check(olds, news) };
}
