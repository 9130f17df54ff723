import { groupsOf, stateText, type ClusterMap, type DepartedPod, type MappedNode, type MappedPod } from "./map.ts";

/** GitHub's Mermaid limits characters (`maxTextSize`) and edges (`maxEdges`). More nodes would be illegible. */
const limits = { nodes: 60, characters: 50_000, edges: 280 };

/** Nodes in a row: what fits the width of a comment. */
const perRow = 4;

/**
 * A Mermaid flowchart of the cluster: a subgraph for each node with its pods, in rows by role, and one for the pods without a node.
 * Undefined if it exceeds a limit.
 */
export function flowchart(map: ClusterMap): string | undefined {
  if (map.nodes.length > limits.nodes) return undefined;
  const ids = new Map(map.nodes.map((node, i) => [node, `n${i}`]));
  const waiting = map.waiting.length === 0 ? [] : ["waiting"];
  const rows = groupsOf(map).flatMap(({ nodes }) => inRows(nodes.flatMap((node) => ids.get(node) ?? [])));
  const links = stacked([...rows, ...waiting.map((id) => [id])]);
  const text = [
    "flowchart TB",
    ...[...ids].flatMap(([node, id]) => nodeGraph(id, node)),
    ...waiting.flatMap((id) => subgraph(id, "without a node", map.waiting.map(podBox))),
    ...links,
    "classDef about fill:none,stroke:none",
    "classDef lost stroke:#cf222e,stroke-width:2px,stroke-dasharray:7 5",
    "classDef drained stroke:#9a6700,stroke-width:2px,stroke-dasharray:7 5",
    "classDef arrived stroke:#1a7f37,stroke-width:2px",
    "classDef waits stroke:#cf222e,stroke-width:2px",
    "classDef gone fill:none,stroke-dasharray:3 3",
    ...[...ids].flatMap(([{ failure }, id]) => (failure === undefined ? [] : [`class ${id} ${failure}`])),
  ].join("\n");
  return text.length > limits.characters || links.length > limits.edges ? undefined : text;
}

/** A box in a subgraph: its text and its class. */
type Box = [string, string?];

/** The title has only one line, because Mermaid 11 draws the boxes over a second one. */
function nodeGraph(id: string, { name, role, zone, taints, failure, pods, departed }: MappedNode): string[] {
  const place = [role, zone === undefined ? undefined : `zone ${zone}`].filter((part) => part !== undefined).join(", ");
  const about = [place, ...taints].filter((line) => line !== "");
  return subgraph(id, failure === undefined ? name : `${name}: ${failure.toUpperCase()}`, [
    ...(about.length === 0 ? [] : [[label(about), "about"] satisfies Box]),
    ...pods.filter(({ state }) => state !== "done").map(podBox),
    ...departed.map(departedBox),
  ]);
}

function podBox(pod: MappedPod): Box {
  const state = stateText(pod);
  if (state === "ready") return [label([pod.title])];
  return [label([pod.title, state]), state === "arrived" ? "arrived" : "waits"];
}

function departedBox({ title, to }: DepartedPod): Box {
  return [label([title, to === undefined ? "waits" : `now on ${to}`]), "gone"];
}

/** With the direction LR, Mermaid places boxes without links below each other. */
function subgraph(id: string, title: string, boxes: readonly Box[]): string[] {
  const shown: readonly Box[] = boxes.length === 0 ? [[label(["no pods"]), "about"]] : boxes;
  return [
    `subgraph ${id}[${label([title])}]`,
    "  direction LR",
    ...shown.map(([text, kind], i) => `  ${id}b${i}[${text}]${kind === undefined ? "" : `:::${kind}`}`),
    "end",
  ];
}

function inRows<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / perRow) }, (_, i) => all.slice(i * perRow, (i + 1) * perRow));
}

/** Invisible links that place each row below the previous one. */
function stacked(rows: readonly string[][]): string[] {
  return rows.slice(1).flatMap((row, i) => (rows[i] ?? []).flatMap((upper) => row.map((id) => `${upper} ~~~ ${id}`)));
}

/** A quoted label of several lines. Special characters are written as codes, so that none of them is parsed as syntax. */
function label(lines: readonly string[]): string {
  const plain = lines.map((line) => line.replace(/[^\w .,:=()/-]/gu, (sign) => `#${sign.codePointAt(0) ?? 0};`));
  return `"${plain.join("<br/>")}"`;
}
