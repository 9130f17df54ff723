/** `npm run docs`: writes what is generated from the code. `npm test` fails where a file is out of date. */
import { readFileSync, writeFileSync } from "node:fs";
import { chartLine, type ChartVersion, supportedChartVersions } from "../model/charts/lines.ts";
import { type Flow, flowsOf } from "../model/network/flows.ts";
import { rules } from "../policy/rules.ts";
import { configBlock, settingsPage, stackFileSchema } from "../settings/reference.ts";

/** The generated files, by their path from the project's folder: what each must contain, given what it contains. */
export const generated: Record<string, (current: string) => string> = {
  // The last block of the file.
  "Pulumi.yaml": (current) => current.replace(/^config:\n[^]*/m, configBlock),
  "docs/settings.md": settingsPage,
  "docs/network.md": (current) => current.replace(/(?<=<!-- flows -->\n)[^]*?(?=<!-- \/flows -->)/, flowTable),
  "docs/policies.md": (current) => current.replace(/(?<=<!-- rules -->\n)[^]*?(?=<!-- \/rules -->)/, ruleTable),
  "schemas/stack.schema.json": stackFileSchema,
};

const root = new URL("../", import.meta.url);

if (import.meta.main) {
  for (const [path, contents] of Object.entries(generated)) {
    const file = new URL(path, root);
    writeFileSync(file, contents(readFileSync(file, { encoding: "utf8", flag: "a+" })));
  }
}

/** The flows of all chart versions, those that they share once, by whom they lead to. */
export function flowTable(): string {
  const versions = supportedChartVersions.map((version) => {
    const line = chartLine(version);
    const encrypted = new Map(flowsOf(line, true).map((flow) => [keyOf(flow), flow]));
    const flows = flowsOf(line).map((flow) => ({ ...flow, tls: encrypted.get(keyOf(flow)) }));
    return { version, flows };
  });
  const keys = [...new Set(versions.flatMap(({ flows }) => flows.map(keyOf)))];
  const targets = [...new Set(versions.flatMap(({ flows }) => flows.map(({ to }) => to)))];
  const rows = keys
    .map((key) =>
      versions.flatMap(({ version, flows }) =>
        named(
          version,
          flows.find((flow) => keyOf(flow) === key),
        ),
      ),
    )
    .sort(([a], [b]) => targets.indexOf(a?.flow.to ?? "elsewhere") - targets.indexOf(b?.flow.to ?? "elsewhere"))
    .map((same) => {
      const [{ flow } = { flow: undefined }] = same;
      if (flow === undefined) return [];
      const froms = [...new Set(same.flatMap(({ flow }) => flow.from))];
      const plain = portsOfAll(same);
      const tls = portsOfAll(same.map(({ version, flow }) => ({ version, flow: flow.tls })));
      const only = same.length === versions.length ? "" : ` (chart ${same.map(({ version }) => version).join(", ")})`;
      return [froms.join(", "), flow.to, plain, tls === plain ? "the same" : tls, `${flow.why}${only}`];
    });
  const head = ["From", "To", "Ports", "Ports with TLS", "Why"];
  return ["", ...[head, head.map(() => "---"), ...rows].map(line), "", ""].join("\n");
}

function portsOfAll(same: { version: ChartVersion; flow: Flow | undefined }[]): string {
  const texts = same.map(({ flow }) => (flow === undefined ? "none" : portsText(flow)));
  const [first = ""] = texts;
  if (texts.every((text) => text === first)) return first;
  return texts.map((text, i) => `${text} (chart ${same[i]?.version ?? ""})`).join("; ");
}

/** The policies, with columns of equal width, as the formatter writes a table that fits on its lines. */
export function ruleTable(): string {
  const rows = [
    ["Policy", "What it demands", "Severity", "Where"],
    ...rules.map(({ name, description, severity, where }) => [`\`${name}\``, description, severity, where]),
  ];
  const widths = [0, 1, 2, 3].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const [head = "", ...body] = rows.map((row) => line(row.map((cell, i) => cell.padEnd(widths[i] ?? 0))));
  return ["", head, line(widths.map((width) => "-".repeat(width))), ...body, "", ""].join("\n");
}

/** What tells rows apart: whom they lead to, from whom if that does not differ between versions, and why. */
function keyOf({ from, to, why }: Flow): string {
  return to === "cluster DNS" ? to : JSON.stringify([from, to, why]);
}

function named<Found extends Flow>(
  version: ChartVersion,
  flow: Found | undefined,
): { version: ChartVersion; flow: Found }[] {
  return flow === undefined ? [] : [{ version, flow }];
}

function portsText({ to, ports }: Flow): string {
  if (typeof ports === "string") return ports;
  return `${ports.join(", ")}${to === "cluster DNS" ? " (UDP and TCP)" : ""}`;
}

function line(cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
