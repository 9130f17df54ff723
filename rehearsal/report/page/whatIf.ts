import type { ClusterMap } from "../map.ts";
import { advicePartsOf, count, remains, survivalText, tally, whatIfTable, whatIfTitle } from "../rows.ts";
import type { Remaining, WhatIf } from "../../failures/whatIf.ts";
import { html, type Html } from "./html.ts";
import { clusterCards } from "./map.ts";
import { table } from "./table.ts";

/** All what-ifs in one table, each with a link to its section. */
export function whatIfOverview(whatIfs: readonly WhatIf[]): Html {
  const { title, head, rows } = whatIfTable(whatIfs);
  return html`<section>
    <h2>${title}</h2>
    ${table(
      head,
      rows.map(([name, outcome, ...numbers], i) => [
        html`<a href="#${idOf(i)}">${name}</a>`,
        html`<span class="nowrap ${outcome === "stops" ? "bad" : "good"}">${outcome}</span>`,
        ...numbers,
      ]),
    )}
  </section>`;
}

export interface WhatIfSectionArgs {
  whatIf: WhatIf;
  /** Its place in the record. */
  index: number;
  /** As much of the cluster as is to be shown. */
  map: ClusterMap;
  /** How many nodes the map leaves out. */
  hidden: number;
  /** Whether the map is unfolded. */
  open: boolean;
}

/** What became of one case: the numbers, what to do next, and the map. */
export function whatIfSection({ whatIf, index, map, hidden, open }: WhatIfSectionArgs): Html {
  const { survival, advice } = whatIf;
  const { quorum, stops, weaker } = survival;
  const { moved, waiting, refused } = tally(whatIf);
  const fates = [
    `${count(moved, "pod")} moved`,
    `${count(waiting, "pod")} ${waiting === 1 ? "waits" : "wait"}`,
    ...(refused === 0 ? [] : [`${count(refused, "pod")} could not be evicted`]),
  ];
  return html`<section class="what-if" id="${idOf(index)}">
    <h2>If ${whatIfTitle(whatIf)}</h2>
    <p class="outcome">
      <strong class="${stops.length > 0 ? "bad" : "good"}">Pulsar ${survivalText(survival)}.</strong>
      ${fates.join(", ")}.
    </p>
    <dl class="remains">${remains(survival).map(([name, remaining]) => tile(name, remaining))}</dl>
    <p class="quiet">Ledgers: ensemble ${quorum.ensemble}, write quorum ${quorum.write}, ack quorum ${quorum.ack}.</p>
    <div class="lists">
      ${list("Why it stops", stops)} ${list("Degraded", weaker)} ${steps("What to do next", advice)}
    </div>
    <details ${open ? "open" : ""}>
      <summary>Map of the cluster</summary>
      ${hidden === 0 ? undefined : html`<p class="quiet">Nothing happened to ${count(hidden, "other node")}.</p>`}
      ${clusterCards(map, 3)}
    </details>
  </section>`;
}

function idOf(index: number): string {
  return `what-if-${index + 1}`;
}

function list(title: string, lines: readonly string[]): Html | undefined {
  if (lines.length === 0) return undefined;
  return html`<div>
    <h3>${title}</h3>
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>
  </div>`;
}

function steps(title: string, lines: readonly string[]): Html | undefined {
  if (lines.length === 0) return undefined;
  const items = lines.map(advicePartsOf).map(({ text, command }) => {
    return html`<li>${text}${command && html`<code class="command">${command}</code>`}</li>`;
  });
  return html`<div>
    <h3>${title}</h3>
    <ol>
      ${items}
    </ol>
  </div>`;
}

/** More replicas than this are told in numbers alone. */
const pipLimit = 12;

function tile(name: string, remaining: Remaining): Html {
  const { running, replicas, needed } = remaining;
  const spare = running - needed;
  const margin = spare < 0 ? `${-spare} too few` : spare === 0 ? "none to spare" : `${spare} to spare`;
  const pips = Array.from({ length: replicas > pipLimit ? 0 : replicas }, (_, i) => {
    return html`<i class="${i < running ? "on" : "off"}"></i>`;
  });
  return html`<div class="tile">
    <dt>${name}</dt>
    <dd>
      ${running} of ${replicas}
      <span class="pips" aria-hidden="true">${pips}</span>
      <span class="${spare < 0 ? "bad" : "quiet"}">needs ${needed}, ${margin}</span>
    </dd>
  </div>`;
}
