/** The table in docs/network.md is made from the code: `UPDATE_DOCS=1 node --test tests/docs/network.test.ts` writes it anew. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { chartLine, type ChartVersion, supportedChartVersions } from "../../components/charts/lines.ts";
import { type Flow, flowsOf } from "../../components/network/flows.ts";

const file = new URL("../../docs/network.md", import.meta.url);
const block = /(?<=<!-- flows -->\n)[^]*?(?=<!-- \/flows -->)/;

test("docs/network.md says who may talk to whom as the code does", () => {
  const text = readFileSync(file, "utf8");
  assert.match(text, block);
  if (process.env.UPDATE_DOCS) writeFileSync(file, text.replace(block, table()));
  assert.equal(block.exec(readFileSync(file, "utf8"))?.[0], table());
});

/** The flows of all chart versions, those that they share once, by whom they lead to. */
function table(): string {
  const versions = supportedChartVersions.map((version) => ({ version, flows: flowsOf(chartLine(version)) }));
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
      assert.ok(flow);
      const froms = [...new Set(same.flatMap(({ flow }) => flow.from))];
      const ports = new Set(same.map(({ flow }) => portsText(flow)));
      const portsOfAll =
        ports.size === 1 ? [...ports] : same.map(({ version, flow }) => `${portsText(flow)} (chart ${version})`);
      const only = same.length === versions.length ? "" : ` (chart ${same.map(({ version }) => version).join(", ")})`;
      return [froms.join(", "), flow.to, portsOfAll.join("; "), `${flow.why}${only}`];
    });
  return ["", ...[["From", "To", "Ports", "Why"], ["---", "---", "---", "---"], ...rows].map(line), "", ""].join("\n");
}

/** What tells rows apart: whom they lead to, from whom if that does not differ between versions, and why. */
function keyOf({ from, to, why }: Flow): string {
  return to === "cluster DNS" ? to : JSON.stringify([from, to, why]);
}

function named(version: ChartVersion, flow: Flow | undefined): { version: ChartVersion; flow: Flow }[] {
  return flow === undefined ? [] : [{ version, flow }];
}

function portsText({ to, ports }: Flow): string {
  if (typeof ports === "string") return ports;
  return `${ports.join(", ")}${to === "cluster DNS" ? " (UDP and TCP)" : ""}`;
}

function line(cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
