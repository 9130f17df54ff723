import { mapAfter, mapOf, affectedNodes, type ClusterMap } from "./map.ts";
import { html, Html } from "./page/html.ts";
import { clusterCards } from "./page/map.ts";
import { style } from "./page/style.ts";
import { tableSection } from "./page/table.ts";
import { whatIfOverview, whatIfSection } from "./page/whatIf.ts";
import type { RehearsalRecord, Verdict } from "./record.ts";
import { verdict } from "./report.ts";
import {
  conclusion,
  clusterSize,
  jobTable,
  operationTable,
  realityTables,
  serviceTable,
  volumeTable,
  whatIfConclusion,
} from "./rows.ts";

/** The maximum number of nodes in all maps of what-ifs together. Beyond it, each map shows only the affected nodes. */
const nodeLimit = 600;

/** The report as one self-contained HTML page without scripts, fonts or external resources. */
export function renderPage(record: RehearsalRecord): string {
  const { seen, layout, operations, whatIfs = [] } = record;
  const judged = verdict(record);
  const title = `Rehearsal of the stack ${record.stack}`;
  // One map is open: that of the what-if, if there is exactly one; otherwise that of the cluster after up.
  const single = whatIfs.length === 1;
  const map = seen && mapOf(seen, layout);
  const maps = whatIfs.map((whatIf) => ({ whatIf, whole: mapAfter(whatIf, seen, layout) }));
  const large = maps.reduce((sum, { whole }) => sum + whole.nodes.length, 0) > nodeLimit;
  const cases = maps.map(({ whatIf, whole }, index) => {
    const shown = large ? affectedNodes(whole) : whole;
    const hidden = whole.nodes.length - shown.nodes.length;
    return whatIfSection({ whatIf, index, map: shown, hidden, open: single });
  });
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${verdictBox(record, judged, map)} ${problemSection(judged)}
          ${whatIfs.length > 1 ? whatIfOverview(whatIfs) : undefined} ${single ? cases : undefined}
          ${map && deployedSection(map, !single)} ${single ? undefined : cases}
          ${[operationTable(operations), ...realityTables(record)].map(tableSection)}
          ${seen && [jobTable(seen), volumeTable(seen), serviceTable(seen)].map(tableSection)} ${parts(record)}
        </main>
      </body>
    </html> `.markup;
}

function verdictBox(record: RehearsalRecord, judged: Verdict, map: ClusterMap | undefined): Html {
  const { seen, whatIfs = [] } = record;
  const tone = judged.ok ? "good" : "bad";
  const cases = whatIfConclusion(whatIfs);
  return html`<div class="verdict ${tone}">
    <strong class="${tone}">${judged.ok ? "Passes" : "Does not pass"}</strong>
    <p>${conclusion(record, judged)}</p>
    ${cases && html`<p>${cases}</p>`} ${seen && map && html`<p class="quiet">${clusterSize(seen, map.nodes)}.</p>`}
  </div>`;
}

function problemSection({ problems }: Verdict): Html | undefined {
  if (problems.length === 0) return undefined;
  return html`<section>
    <h2>Problems</h2>
    <ol class="problems">
      ${problems.map((problem) => html`<li>${problem}</li>`)}
    </ol>
  </section>`;
}

function deployedSection(map: ClusterMap, open: boolean): Html {
  return html`<section>
    <h2>The cluster after up</h2>
    ${
      open
        ? clusterCards(map)
        : html`<details>
            <summary>Map of the cluster</summary>
            ${clusterCards(map)}
          </details>`
    }
  </section>`;
}

function parts({ parts: { real, standIns } }: RehearsalRecord): Html | undefined {
  if (real.length + standIns.length === 0) return undefined;
  return html`<section>
    <h2>What was real</h2>
    ${real.length === 0 ? undefined : html`<p>${real.join(", ")}.</p>`}
    ${
      standIns.length === 0
        ? undefined
        : html`<h3>Simulated or replaced by stand-ins</h3>
            <ul>
              ${standIns.map((part) => html`<li>${part}</li>`)}
            </ul>`
    }
  </section>`;
}
