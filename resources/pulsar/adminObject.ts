import { isDeepStrictEqual } from "node:util";
import type { dynamic } from "@pulumi/pulumi";
import { type AdminAccess, type AdminApi, NoToken, withAdminApi } from "./adminApi.ts";
import { diffOn } from "../kit/diff.ts";
import type { ProviderModule } from "../kit/storedProvider.ts";
import { withTitle } from "../kit/withTitle.ts";

/** What every kind of object in Pulsar has in common. */
export interface AdminObjectArgs {
  /** The cluster it belongs to. A change is recorded without a request to the previous cluster. */
  access: AdminAccess;
  /** True: the stack creates, updates and deletes it. False: it is managed elsewhere and must exist. */
  create: boolean;
  /**
   * Whether an existing object is taken over and updated. It applies only to the creation: setting or removing it later changes nothing.
   * @default false
   */
  adopt?: boolean | undefined;
}

/** How the kinds of objects in Pulsar differ. All functions except `title` call the admin API. */
export interface AdminObjectKind<Args extends AdminObjectArgs> {
  /** Its name in messages, such as `namespace shop/orders`. */
  title: (args: Args) => string;
  /** The keys that identify the object: a change replaces it. */
  identity: readonly (keyof Args)[];
  /** Its other settings, which are changed in place. */
  settings: readonly (keyof Args)[];
  /** The existing object in the form of `wanted`, without settings that are not managed. */
  find: (api: AdminApi, wanted: Args) => Promise<Args | undefined>;
  /** Why an existing object cannot be what an interrupted `up` left of `wanted`, apart from different settings; undefined if it can. */
  taken?: (api: AdminApi, wanted: Args) => Promise<string | undefined>;
  /** What to do about an existing object, besides taking it over. @default another name, or `create: false` */
  ways?: string;
  make: (api: AdminApi, wanted: Args) => Promise<void>;
  change: (api: AdminApi, found: Args, wanted: Args) => Promise<void>;
  /** @throws Error of one line if it must not be deleted */
  drop: (api: AdminApi, found: Args) => Promise<void>;
}

const usualWays = "delete it, use another name, or use the existing one (create: false)";
const takeOver = "if this stack created it before a destroy, take it over (pulsar:adoptedTenants)";

/**
 * The provider of a kind of object in Pulsar.
 *
 * An existing object is refused unless `adopt` is set, or it is exactly what the stack would create: an `up` that is killed after Pulsar has created
 * an object, but before the state records it, leaves that behind.
 */
export function adminProvider<Args extends AdminObjectArgs>(kind: AdminObjectKind<Args>): ProviderModule<Args, Args> {
  const ask = <T>(args: Args, work: (api: AdminApi) => Promise<T>): Promise<T> =>
    withTitle(kind.title(args), () => withAdminApi(args.access, work));
  const differing = (one: Args, other: Args) => kind.settings.filter((key) => !isDeepStrictEqual(one[key], other[key]));
  const difference = (found: Args, wanted: Args) => {
    const [key] = differing(found, wanted);
    const shown = (value: unknown) => (value === undefined ? "not set" : JSON.stringify(value));
    return key === undefined ? undefined : `its ${String(key)} are ${shown(found[key])}, not ${shown(wanted[key])}`;
  };

  const exists = (found: Args | undefined) => {
    if (found === undefined)
      throw new Error(
        "does not exist, but the settings say that it does (create: false); create it, or remove create: false",
      );
  };
  /** Creates it, or changes the existing one to what is wanted. */
  const ensure = async (api: AdminApi, found: Args | undefined, wanted: Args) => {
    if (!wanted.create) exists(found);
    else if (found === undefined) await kind.make(api, wanted);
    else if (differing(found, wanted).length > 0) await kind.change(api, found, wanted);
  };
  const make = async (api: AdminApi, wanted: Args) => {
    const found = await kind.find(api, wanted);
    if (!wanted.create || found === undefined || wanted.adopt) {
      await ensure(api, found, wanted);
      return;
    }
    const taken = difference(found, wanted) ?? (await kind.taken?.(api, wanted));
    if (taken === undefined) return;
    throw new Error(`already exists, and ${taken}; ${kind.ways ?? usualWays}; ${takeOver}`);
  };

  return {
    diff(_id, olds, news): dynamic.DiffResult {
      return diffOn<AdminObjectArgs & Args>(olds, news, ["access", "create", ...kind.settings], kind.identity);
    },

    async create(wanted) {
      await ask(wanted, (api) => make(api, wanted));
      return { id: kind.title(wanted), outs: wanted };
    },

    /**
     * The object in Pulsar: the next `up` corrects it. If the whole release is gone, nothing can be read. The object then stays in the state, because the
     * release's data still contains it.
     */
    async read(id, props) {
      try {
        const found = await ask(props, (api) => kind.find(api, props));
        return found === undefined ? { id: "" } : { id, props: found, inputs: found };
      } catch (error) {
        if ((error as Error).cause instanceof NoToken) return { id, props, inputs: props };
        throw error;
      }
    },

    async update(_id, _olds, wanted) {
      await ask(wanted, async (api) => {
        await ensure(api, await kind.find(api, wanted), wanted);
      });
      return { outs: wanted };
    },

    /** Succeeds if it is gone already; an object that is not the stack's is kept. */
    async remove(_id, props) {
      if (!props.create) return;
      await ask(props, async (api) => {
        const found = await kind.find(api, props);
        if (found !== undefined) await kind.drop(api, found);
      });
    },
  };
}
