import type { ProviderModule } from "./storedProvider.ts";

/** The operations of a resource that exists in the state only: a record of its inputs. */
export function recordOnly<Args>(id: string): Omit<ProviderModule<Args, Args>, "diff"> {
  return {
    create: async (args) => Promise.resolve({ id, outs: args }),
    update: async (_id, _olds, news) => Promise.resolve({ outs: news }),
    read: async (_id, props) => Promise.resolve({ id, props }),
    remove: async () => Promise.resolve(),
  };
}
