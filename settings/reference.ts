/** What is generated from the schema: Pulumi.yaml's `config` block, docs/settings.md and the JSON schema of the stack files. */
import { z } from "zod";
import { schema, secretKeys, typeOf } from "./schema.ts";

/** A part of the schema as JSON schema, with the metadata of the setting. */
interface Part {
  type?: string;
  description?: string;
  change?: string;
  example?: string;
  otherwise?: string;
  like?: string;
  pattern?: string;
  format?: string;
  /** Whether another spelling of the type is accepted: a number for text, or digits, `true` or `false` in quotes. */
  loose?: boolean;
  /** Whether the setting may be left out. */
  optional?: boolean;
  default?: unknown;
  enum?: string[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Part>;
  required?: string[];
  items?: Part;
  anyOf?: Part[];
  additionalProperties?: Part | boolean;
}

function partsOf(): Record<string, Part> {
  const whole = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // Around a preprocess, zod (4.6) leaves out the default, and takes everything for optional.
      if (def.type === "default") jsonSchema.default = def.defaultValue;
      if (["optional", "default", "prefault"].includes(def.type)) jsonSchema["optional"] = true;
      if (def.type === "pipe" && def.in._zod.def.type === "transform") jsonSchema["loose"] = true;
    },
  }) as Part;
  return whole.properties ?? {};
}

const isSecret = (key: string) => secretKeys.some((secret) => secret === key);

/** The `config` block of Pulumi.yaml. */
export function configBlock(): string {
  const empty = { string: "", boolean: false, array: [], object: {} };
  const blocks = Object.entries(partsOf()).map(([key, part]) => {
    const type = typeOf(schema.shape[key as keyof typeof schema.shape]);
    const items = part.items?.type ?? "object";
    return [
      `  pulsar:${key}:`,
      `    type: ${type}`,
      ...(type === "array" ? [`    items: { type: ${items} }`] : []),
      `    default: ${JSON.stringify(type === "string" || type === "boolean" ? (part.default ?? empty[type]) : empty[type])}`,
      `    description: ${JSON.stringify((isSecret(key) ? "Secret. " : "") + (part.description ?? ""))}`,
    ].join("\n");
  });
  return `config:\n${blocks.join("\n")}\n`;
}

/** docs/settings.md. */
export function settingsPage(): string {
  const sections = Object.entries(partsOf()).map(([key, part]) => section(key, part));
  return `${introduction}\n${sections.join("\n")}`;
}

const introduction = `# Settings

<!-- Generated from settings/schema.ts by npm run docs. -->

The keys of \`Pulumi.<stack>.yaml\`. \`pulumi config\` lists them too. All settings are checked before anything is changed, and all faults are reported at
once. Besides the keys below, \`kubernetes:context\` names the cluster that the stack may change (required for \`up\`), and \`kubernetes:kubeconfig\` is the
path of a kubeconfig (default: as kubectl finds it). A key that neither the program nor a provider that it uses reads is refused.
`;

function section(key: string, part: Part): string {
  const type = typeText(part);
  const fields = fieldsOf(part, "").map(([path, field]) => {
    const meaning = [field.description, field.like && `Same fields as \`${field.like}\`.`, field.change];
    return `| \`${path}\` | ${typeText(field)} | ${defaultText(field)} | ${meaning.filter(Boolean).join(" ")} |`;
  });
  return [
    `## \`pulsar:${key}\``,
    "",
    part.description ?? "",
    "",
    isSecret(key) ? `- Type: text, encrypted: \`pulumi config set --secret pulsar:${key}\`` : `- Type: ${type}`,
    ...(fields.length > 0 && part.otherwise === undefined ? [] : [`- Default: ${defaultText(part)}`]),
    ...(part.change === undefined ? [] : [`- Effect of a change: ${part.change}`]),
    ...(fields.length === 0
      ? []
      : ["", "| Field | Type | Default | Meaning |", "| --- | --- | --- | --- |", ...fields]),
    ...(part.example === undefined ? [] : ["", "```yaml", part.example, "```"]),
    "",
  ].join("\n");
}

/** The fields of an object, or of the objects in a list, and their own fields, unless these are described elsewhere. */
function fieldsOf(part: Part, prefix: string): [string, Part][] {
  const { properties } = part.items ?? part;
  return Object.entries(properties ?? {}).flatMap(([name, field]): [string, Part][] => {
    const path = `${prefix}${name}`;
    const inner = isExpanded(field) ? fieldsOf(field, `${path}${field.items === undefined ? "" : "[]"}.`) : [];
    return inner.length > 0 && field.description === undefined ? inner : [[path, field], ...inner];
  });
}

/** An object whose fields have neither meaning nor default of their own is described as a whole. */
function isExpanded(part: Part): boolean {
  const fields = Object.values((part.items ?? part).properties ?? {});
  return (
    part.like === undefined &&
    fields.some((field) => [field.description, field.default, field.otherwise].some((text) => text !== undefined))
  );
}

function typeText(part: Part): string {
  const { type, enum: values, minimum, maximum, items, anyOf, properties } = part;
  if (values) return values.map((value) => `\`${value}\``).join(", ");
  if (anyOf) return [...new Set(anyOf.map(typeText))].join(" or ");
  switch (type) {
    case "array":
      return items?.type === "object" ? "list of objects" : `list of ${items ? typeText(items) : "values"}`;
    case "object":
      if (properties === undefined) return "object with any keys";
      return isExpanded(part) || part.like
        ? "object"
        : `object with ${Object.keys(properties)
            .map((key) => `\`${key}\``)
            .join(", ")}`;
    case "integer":
      return minimum === undefined || maximum === undefined ? "whole number" : `whole number, ${minimum} to ${maximum}`;
    case "boolean":
      return "`true` or `false`";
    case "number":
      return "number";
    default:
      return "text";
  }
}

function defaultText(part: Part): string {
  if (part.otherwise !== undefined) return part.otherwise;
  if (!part.optional) return "required";
  const { default: value } = part;
  if (value === undefined || JSON.stringify(value) === "{}" || JSON.stringify(value) === "[]") return "none";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/** The JSON schema of a stack file, for editors. */
export function stackFileSchema(): string {
  const keys = Object.entries(partsOf()).map(([key, part]) => [
    `pulsar:${key}`,
    isSecret(key)
      ? {
          description: part.description,
          type: "object",
          properties: { secure: { type: "string" } },
          required: ["secure"],
        }
      : orNull(withoutMetadata(part)),
  ]);
  const text = (description: string) => ({ type: "string", description });
  const config = {
    type: "object",
    properties: {
      ...(Object.fromEntries(keys) as object),
      "kubernetes:context": text("kubeconfig context of the cluster that the stack may change."),
      "kubernetes:kubeconfig": text("Path of a kubeconfig."),
    },
  };
  const properties = {
    config: orNull(config),
    encryptionsalt: { type: "string" },
    secretsprovider: { type: "string" },
    encryptedkey: { type: "string" },
    environment: { type: ["array", "object", "null"] },
  };
  const document = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Stack file of the Pulsar stack",
    type: "object",
    properties,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Editors show the description alone, so it takes in the default and the effect of a change. */
function withoutMetadata(part: Part): Record<string, unknown> {
  const { change, otherwise, properties, items } = part;
  const description = [
    part.description,
    otherwise === undefined ? undefined : `Default: ${otherwise}.`,
    change === undefined ? undefined : `Change: ${change}`,
  ]
    .filter((text) => text !== undefined)
    .join(" ");
  const own = ["change", "example", "otherwise", "like", "optional", "loose"];
  if (part.loose) own.push("pattern", "format");
  const inner = (parts: Record<string, Part>) =>
    Object.fromEntries(Object.entries(parts).map(([name, field]) => [name, withoutMetadata(field)]));
  return {
    ...Object.fromEntries(Object.entries(part).filter(([key]) => !own.includes(key))),
    ...(description !== "" && { description }),
    ...(properties && { properties: inner(properties), required: requiredIn(properties) }),
    ...(items && { items: withoutMetadata(items) }),
    ...(part.anyOf && {
      anyOf: part.anyOf.map((one) => ({ type: one.type, ...(one.properties && withoutMetadata(one)) })),
    }),
    ...(part.loose && part.type !== undefined && loosened(part.type)),
  };
}

/** The program also takes what `pulumi config set` writes: digits, `true` and days as text, and whole numbers for text. */
function loosened(type: string) {
  return { type: type === "string" ? ["string", "integer"] : [type, "string"] };
}

/** A key without a value counts as not set. */
function orNull(part: Record<string, unknown>): Record<string, unknown> {
  return part["type"] === undefined ? part : { ...part, type: [part["type"], "null"].flat() };
}

function requiredIn(properties: Record<string, Part>): string[] {
  return Object.keys(properties).filter((name) => !properties[name]?.optional);
}
