import type { Table } from "../rows.ts";
import { html, type Html, type Part } from "./html.ts";

/** Longer tables are folded. */
const foldedFrom = 15;

/** A section with a table; nothing where there are no rows. */
export function tableSection({ title, head, rows }: Table): Html | undefined {
  if (rows.length === 0) return undefined;
  const body = table(head, rows);
  return html`<section>
    <h2>${title}</h2>
    ${
      rows.length > foldedFrom
        ? html`<details>
            <summary>${rows.length} rows</summary>
            ${body}
          </details>`
        : body
    }
  </section>`;
}

/** A table whose rows stand below each other on a narrow screen, each cell with its heading. The first cell names the row. */
export function table(head: readonly string[], rows: readonly (readonly Part[])[]): Html {
  return html`<table>
    <thead>
      <tr>
        ${head.map((text) => html`<th scope="col">${text}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([first, ...others]) =>
          html`<tr>
            <th scope="row">${first}</th>
            ${others.map((cell, i) => html`<td data-head="${head[i + 1]}">${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}
