import type { ClusterMap } from "../map.ts";
import {
  advicePartsOf,
  count,
  remainingReplicas,
  survivalText,
  countMoves,
  whatIfTable,
  whatIfTitle,
} from "../rows.ts";
import type { Remaining, WhatIf } from "../../failures/whatIf.ts";
import { html, type Html } from "./html.ts";
import { clusterCards } from "./map.ts";
import { table } from "./table.ts";

/** A table of all what-ifs with links to their sections. */
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
  /** Its index in the record. */
  index: number;
  /** The part of the cluster to show. */
  map: ClusterMap;
  /** The number of nodes that are not in the map. */
  hidden: number;
  /** Whether the map is open. */
  open: boolean;
}

/** The section of one case: numbers, next steps and map. */
export function whatIfSection({ whatIf, index, map, hidden, open }: WhatIfSectionArgs): Html {
  const { survival, advice } = whatIf;
  const { quorum, stops, degraded } = survival;
  const { moved, waiting, refused } = countMoves(whatIf);
  const results = [
    `${count(moved, "pod")} moved`,
    `${count(waiting, "pod")} ${waiting === 1 ? "waits" : "wait"}`,
    ...(refused === 0 ? [] : [`${count(refused, "pod")} could not be evicted`]),
  ];
  return html`<section class="what-if" id="${idOf(index)}">
    <h2>If ${whatIfTitle(whatIf)}</h2>
    <p class="outcome">
      <strong class="${stops.length > 0 ? "bad" : "good"}">Pulsar ${survivalText(survival)}.</strong>
      ${results.join(", ")}.
    </p>
    <dl class="replicas">${remainingReplicas(survival).map(([name, remaining]) => tile(name, remaining))}</dl>
    <p class="quiet">Ledgers: ensemble ${quorum.ensemble}, write quorum ${quorum.write}, ack quorum ${quorum.ack}.</p>
    <div class="lists">
      ${list("Why it stops", stops)} ${list("Degraded", degraded)} ${steps("What to do next", advice)}
    </div>
    <details ${open ? "open" : ""}>
      <summary>Map of the cluster</summary>
      ${hidden === 0 ? undefined : html`<p class="quiet">Nothing happened to ${count(hidden, "other node")}.</p>`}
      ${clusterCards(map)}
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

/** With more replicas, only the numbers are shown. */
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
