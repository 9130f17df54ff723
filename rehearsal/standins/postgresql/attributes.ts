/**
 * Properties as in the official plugin, a bridged Terraform provider: defaults are written to the inputs, a computed property that is not set keeps
 * its value, an empty value counts as not set, and sets have no order.
 */
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Props, type ResourceHandler, UNKNOWN } from "../protocol.ts";

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
  set: string[];
}

export interface Attribute {
  kind: keyof Kinds;
  default?: Kinds[keyof Kinds];
  /** If the program does not set it, its value is that of the server. With "only", the stand-in refuses a program that sets it. */
  computed?: true | "only";
  /** A change needs a new resource. */
  replaces?: true;
}

export type Attributes = Readonly<Record<string, Attribute>>;

/** All attributes with their values. An absent one is "", 0, false or []. */
export type Settings<T extends Attributes> = { [K in keyof T]: Kinds[T[K]["kind"]] };

/** The operations of a resource type. */
export interface Definition<T extends Attributes> {
  attributes: T;
  /** Whether a replacement always deletes first. Otherwise it does only if the program sets the name. */
  deleteBeforeReplace?: true;
  id(settings: Settings<T>): string;
  create(wanted: Settings<T>): Promise<void>;
  /** The attributes on the server. `undefined` if the resource does not exist. */
  read(id: string, state: Settings<T>): Promise<Partial<Settings<T>> | undefined>;
  update(old: Settings<T>, wanted: Settings<T>): Promise<void>;
  delete(state: Settings<T>): Promise<void>;
}

const zeros: Kinds = { string: "", number: 0, boolean: false, set: [] };

/** The names of the inputs that are defaults. Every bridged plugin stores them in the inputs. */
const defaultsKey = "__defaults";

/** @param define - the definition, asked for once the provider is configured. */
export function resource<T extends Attributes>(define: () => Definition<T>, attributes: T): ResourceHandler {
  const read = async (id: string, state: Settings<T>): Promise<Props | undefined> => {
    const found = await define().read(id, state);
    return found && outputsOf({ ...state, ...found });
  };

  return {
    async check(news, olds, call) {
      const unknownKeys = Object.keys(news).filter(
        (key) => key !== defaultsKey && (!(key in attributes) || attributes[key]?.computed === "only"),
      );
      const reason = `the postgresql stand-in does not implement this property of ${call.type}`;
      const failures = unknownKeys.map((property) => ({ property, reason }));
      return { inputs: withDefaults(attributes, news, olds, call.name), failures };
    },

    async diff(_id, _oldInputs, oldOutputs, news) {
      const old = settingsOf(attributes, oldOutputs);
      const wanted = merge(attributes, news, oldOutputs);
      const changedKeys = Object.keys(attributes).filter((name) => !same(attributes, name, old[name], wanted[name]));
      const replaces = changedKeys.filter((name) => attributes[name]?.replaces);
      const ownName = "name" in attributes && !defaulted(news).includes("name");
      return {
        changes: changedKeys.length > 0,
        replaces,
        deleteBeforeReplace: replaces.length > 0 && (ownName || define().deleteBeforeReplace === true),
        changedKeys,
      };
    },

    async create(inputs, preview) {
      if (preview) return { id: "", outputs: planned(attributes, inputs) };
      const wanted = settingsOf(attributes, inputs);
      const definition = define();
      await definition.create(wanted);
      const id = definition.id(wanted);
      return { id, outputs: (await read(id, wanted)) ?? gone(id) };
    },

    async read(id, inputs, outputs) {
      const found = await read(id, settingsOf(attributes, outputs));
      if (!found) return undefined;
      if (Object.keys(inputs).length === 0) return { id, inputs: { ...found, [defaultsKey]: [] }, outputs: found };
      // A drift of a property that the program sets shows in the inputs too.
      const drifted = Object.entries(inputs).map(([name, value]) => {
        const unchanged = !(name in attributes) || same(attributes, name, value, found[name]);
        return [name, unchanged ? value : found[name]];
      });
      return { id, inputs: Object.fromEntries(drifted) as Props, outputs: found };
    },

    async update(_id, _oldInputs, oldOutputs, news, preview) {
      if (preview) return { outputs: planned(attributes, news, oldOutputs) };
      const wanted = settingsOf(attributes, merge(attributes, news, oldOutputs));
      const definition = define();
      await definition.update(settingsOf(attributes, oldOutputs), wanted);
      const id = definition.id(wanted);
      return { outputs: (await read(id, wanted)) ?? gone(id) };
    },

    async delete(_id, _inputs, outputs) {
      await define().delete(settingsOf(attributes, outputs));
    },
  };
}

function gone(id: string): never {
  throw new Error(`${id} does not exist right after its creation`);
}

function defaulted(inputs: Props | undefined): string[] {
  const names = inputs?.[defaultsKey];
  return Array.isArray(names) ? names.map(String) : [];
}

/** Adds defaults. A missing name becomes the logical name and seven random digits, and is kept from then on. */
function withDefaults(attributes: Attributes, news: Props, olds: Props | undefined, logicalName: string): Props {
  const missing = Object.entries(attributes).filter(([name]) => news[name] === undefined);
  const defaults: Props = Object.fromEntries(
    missing.flatMap(([name, attribute]) => (attribute.default === undefined ? [] : [[name, attribute.default]])),
  );
  if ("name" in attributes && news.name === undefined) {
    const kept = defaulted(olds).includes("name") ? olds?.name : undefined;
    defaults.name = kept ?? `${logicalName}-${randomBytes(4).toString("hex").slice(0, 7)}`;
  }
  return { ...news, ...defaults, [defaultsKey]: Object.keys(defaults).sort() };
}

function settingsOf<T extends Attributes>(attributes: T, props: Props): Settings<T> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { kind }]) => [name, props[name] ?? zeros[kind]]),
  ) as Settings<T>;
}

/** The inputs, with computed attributes that they do not set from the state. */
function merge(attributes: Attributes, news: Props, olds: Props): Props {
  const open = Object.entries(attributes).filter(([name, { computed }]) => computed && (news[name] ?? "") === "");
  return settingsOf(attributes, { ...news, ...Object.fromEntries(open.map(([name]) => [name, olds[name]])) });
}

function same(attributes: Attributes, name: string, left: unknown, right: unknown): boolean {
  const kind = attributes[name]?.kind ?? "string";
  const normal = (value: unknown): unknown =>
    kind === "set" && Array.isArray(value) ? value.map(String).sort() : (value ?? zeros[kind]);
  return isDeepStrictEqual(normal(left), normal(right));
}

function outputsOf(settings: Props): Props {
  const kept = Object.entries(settings).filter(
    ([, value]) => !isDeepStrictEqual(value, "") && !isDeepStrictEqual(value, []),
  );
  return Object.fromEntries(kept);
}

/** The outputs of a preview: a computed attribute that is not set has its value in the state, or is unknown. */
function planned(attributes: Attributes, news: Props, olds?: Props): Props {
  const open = Object.entries(attributes).filter(([name, { computed }]) => computed && (news[name] ?? "") === "");
  const computed = Object.fromEntries(open.map(([name]) => [name, olds ? olds[name] : UNKNOWN]));
  const inputs = Object.fromEntries(Object.entries(news).filter(([name]) => name !== defaultsKey));
  return outputsOf({ ...inputs, ...computed });
}
