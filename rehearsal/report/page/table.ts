import type { Table } from "../rows.ts";
import { html, type Html, type Part } from "./html.ts";

/** Tables with more rows are collapsed. */
const collapseLimit = 15;

/** A section with a table. Undefined if there are no rows. */
export function tableSection({ title, head, rows }: Table): Html | undefined {
  if (rows.length === 0) return undefined;
  const body = table(head, rows);
  return html`<section>
    <h2>${title}</h2>
    ${
      rows.length > collapseLimit
        ? html`<details>
            <summary>${rows.length} rows</summary>
            ${body}
          </details>`
        : body
    }
  </section>`;
}

/** A table with row headings in the first column. On a narrow screen, each cell is shown below the previous one with its column heading. */
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
