import { isDeepStrictEqual } from "node:util";
import type { dynamic } from "@pulumi/pulumi";
import { type AdminAccess, type AdminApi, NoToken, withAdminApi } from "./adminApi.ts";
import { diffOn } from "../kit/diff.ts";
import type { ProviderModule } from "../kit/storedProvider.ts";
import { withTitle } from "../kit/withTitle.ts";

/** What every object in Pulsar is described by, beside settings of its own. */
export interface AdminObjectArgs {
  /** The cluster it belongs to. A change is taken over without touching anything under the former access. */
  access: AdminAccess;
  /** Whether it is the stack's: made, kept as it is described, and deleted. False: it is somebody else's, and must exist. */
  create: boolean;
  /**
   * Whether one that is there already is taken over, and changed to what is described. Matters only until the stack has it: neither setting nor
   * removing this changes anything afterwards. @default false
   */
  adopt?: boolean | undefined;
}

/** What tells the kinds of objects in Pulsar apart. All functions but `title` ask the admin API. */
export interface AdminObjectKind<Args extends AdminObjectArgs> {
  /** How messages name it, such as `namespace shop/orders`. */
  title: (args: Args) => string;
  /** What makes it this one and no other: with another value it is replaced. */
  identity: readonly (keyof Args)[];
  /** Its settings besides, which are changed in place. */
  settings: readonly (keyof Args)[];
  /** What is there, in the form of what is wanted: settings that are not managed are left out as they are there. */
  find: (api: AdminApi, wanted: Args) => Promise<Args | undefined>;
  /** Why one that is already there is not what an interrupted `up` leaves of `wanted`, besides other settings; undefined if it is. */
  taken?: (api: AdminApi, wanted: Args) => Promise<string | undefined>;
  /** What may be done about one that is taken, besides taking it over. @default another name, or `create: false` */
  ways?: string;
  make: (api: AdminApi, wanted: Args) => Promise<void>;
  change: (api: AdminApi, found: Args, wanted: Args) => Promise<void>;
  /** @throws Error of one line where it must stay */
  drop: (api: AdminApi, found: Args) => Promise<void>;
}

const usualWays = "delete it, use another name, or use the existing one (create: false)";
const takeOver = "if this stack created it before a destroy, take it over (pulsar:adoptedTenants)";

/**
 * The provider of a kind of object in Pulsar.
 *
 * What already exists is not taken over, unless `adopt` says so, or it is exactly what would be made: an `up` leaves that behind when it is
 * killed after Pulsar has made the object and before the state says so.
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
  /** Makes it, or changes what is there to what is wanted. */
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
     * What is really there: the next `up` changes it back. Where the whole release is gone, nothing can be seen: it stays in the state, as it is
     * still in the data that the release comes back to.
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

    /** What is gone already is as good as deleted; what is not the stack's stays. */
    async remove(_id, props) {
      if (!props.create) return;
      await ask(props, async (api) => {
        const found = await kind.find(api, props);
        if (found !== undefined) await kind.drop(api, found);
      });
    },
  };
}
