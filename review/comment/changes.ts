/** What changes in the rendered chart and among the other resources. */
import { count, listed } from "../../rehearsal/report/rows.ts";
import type { FieldChange } from "../changes/fields.ts";
import type { ObjectChange } from "../changes/objects.ts";
import type { ResourceChange } from "../changes/resources.ts";
import { block, bullets, collapsed, code, escape, type Section } from "./markdown.ts";

/** Longer values are shortened. */
const longestValue = 200;

/** A section for each component of the rendered chart, the riskiest first. */
export function chartSection(changes: readonly ObjectChange[], isNew: boolean): Section[] {
  if (changes.length === 0) return [];
  if (isNew) return [{ name: "the rendered chart", text: `#### Rendered chart\n\n${changes.length} objects are new.` }];
  const shown = changes.filter(
    ({ action, fields, secretKeys }) => action !== "update" || fields.length + secretKeys > 0,
  );
  const folded = changes.reduce((sum, one) => sum + one.folded, 0);
  const title = {
    name: "the rendered chart",
    text: `#### Rendered chart${folded > 0 ? `\n\n${folded} fields that only follow from others are left out (hashes, checksums, labels of the version).` : ""}`,
  };
  const groups = [...Map.groupBy(shown, ({ component }) => component)];
  return [
    title,
    ...groups.map(([component, objects]) => {
      const name = component === "" ? "for the whole release" : component;
      const text = objects.map(objectText).join("\n\n");
      return { name: `the rendered chart: ${name}`, text: collapsed(`${name}: ${summary(objects)}`, text) };
    }),
  ];
}

function summary(objects: readonly ObjectChange[]): string {
  const risk = objects[0]?.risk ?? "other";
  return `${count(objects.length, "object")}, risk: ${risk}`;
}

function objectText({ action, kind, name, fields, fixed, secretKeys }: ObjectChange): string {
  const verb = {
    create: "is new",
    delete: "is deleted",
    recreate: `cannot be changed in place (${fixed.join(", ")})`,
    update: "changes",
  }[action];
  const secrets = secretKeys > 0 ? [`changed: ${secretKeys === 1 ? "1 key" : `${secretKeys} keys`}`] : [];
  const lines = [...secrets.map(escape), ...fields.filter(({ lines }) => !lines).map(fieldText)];
  const texts = fields.flatMap(({ path, lines }) =>
    lines ? [`${code(path)}\n\n${block("diff", lines.map(({ sign, text }) => `${sign}${text}`).join("\n"))}`] : [],
  );
  return [
    `**${escape(`${kind} ${name}`)}** ${escape(verb)}`,
    ...(lines.length > 0 ? [lines.map((line) => `- ${line}`).join("\n")] : []),
    ...texts,
  ].join("\n\n");
}

function fieldText({ path, before, after }: FieldChange): string {
  if (before === undefined) return `${code(path)}: ${code(shortened(after))} is new`;
  if (after === undefined) return `${code(path)}: ${code(shortened(before))} is removed`;
  return `${code(path)}: ${code(shortened(before))} to ${code(shortened(after))}`;
}

function shortened(value: unknown): string {
  const text = (typeof value === "string" && value !== "" ? value : JSON.stringify(value)).replaceAll("\n", "\\n");
  return text.length > longestValue ? `${text.slice(0, longestValue)}...` : text;
}

/** The resources besides the chart's objects, by component. */
export function resourceSection(changes: readonly ResourceChange[], isNew: boolean): Section {
  if (changes.length === 0) return { name: "other resources", text: "" };
  const groups = [...Map.groupBy(changes, ({ component }) => component)];
  const text = groups.map(([component, resources]) => {
    const name = component === "" ? "without a component" : component;
    const lines = isNew
      ? bullets([`${resources.length} to create`])
      : resources.map((one) => `- ${resourceText(one)}`).join("\n");
    return `**${escape(name)}**\n\n${lines}`;
  });
  return { name: "other resources", text: collapsed(`Other resources (${changes.length})`, text.join("\n\n")) };
}

function resourceText({ action, type, name, fields, replacedBy }: ResourceChange): string {
  const kind = type.split(":").at(-1) ?? type;
  const why = replacedBy.length > 0 ? ` (because of ${replacedBy.map(code).join(", ")})` : "";
  const paths = fields.map(({ path }) => code(path));
  return `${action} ${escape(`${kind} ${name}`)}${why}${paths.length > 0 ? `: ${listed(paths, 8)}` : ""}`;
}
