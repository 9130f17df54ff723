import type { dynamic } from "@pulumi/pulumi";

/** What a module of a dynamic provider exports, for `storedProvider` to call. */
export interface ProviderModule<Inputs, Outputs> {
  diff: (id: string, olds: Outputs, news: Inputs) => dynamic.DiffResult;
  create: (inputs: Inputs) => Promise<dynamic.CreateResult<Outputs>>;
  read: (id: string, props: Outputs) => Promise<dynamic.ReadResult<Outputs>>;
  update: (id: string, olds: Outputs, news: Inputs) => Promise<dynamic.UpdateResult<Outputs>>;
  remove: (id: string, props: Outputs) => Promise<void>;
}

/** The same of a provider that may refuse a change. */
export interface CheckingModule<Inputs, Outputs> extends ProviderModule<Inputs, Outputs> {
  /** @param olds the inputs of last time; empty for a new resource */
  check: (olds: Partial<Inputs>, news: Inputs) => dynamic.CheckResult<Inputs>;
}

/**
 * What the state holds of a dynamic provider. Pulumi stores it there as program text; this one's text only loads a module, so that a
 * refresh or destroy runs today's code, not that of the last change, and a preview does not spend a third of a second on turning functions
 * into text. The price: the module must stay where it is.
 *
 * There is no `check`, so that the preview of a new resource does not need the module.
 * @param load imports the module by its path from the folder of Pulumi.yaml, in which the engine runs the text
 */
export function storedProvider<Inputs, Outputs>(
  load: () => Promise<ProviderModule<Inputs, Outputs>>,
): dynamic.ResourceProvider<Inputs, Outputs> {
  return {
    diff: async (id, olds, news) => (await load()).diff(id, olds, news),
    create: async (inputs) => (await load()).create(inputs),
    // The engine reads what is in the state; what is not, it could not read, as the text would be missing too.
    read: async (id, props) => (await load()).read(id, props as Outputs),
    update: async (id, olds, news) => (await load()).update(id, olds, news),
    delete: async (id, props) => (await load()).remove(id, props),
  };
}

/** The same with a `check`, which runs at every preview and `up`, before anything is changed; its failures end the run. */
export function checkingProvider<Inputs, Outputs>(
  load: () => Promise<CheckingModule<Inputs, Outputs>>,
): dynamic.ResourceProvider<Inputs, Outputs> {
  return { ...storedProvider(load), check: async (olds, news) => (await load()).check(olds, news) };
}
