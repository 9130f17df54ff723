import { groupsOf, stateText, type ClusterMap, type DepartedPod, type MappedNode, type MappedPod } from "./map.ts";

/** What GitHub's Mermaid takes: characters (`maxTextSize`) and edges (`maxEdges`), and as many nodes as one can still read. */
const limits = { nodes: 60, characters: 50_000, edges: 280 };

/** Nodes beside each other: what a comment is wide enough for. */
const perRow = 4;

/**
 * The cluster as a Mermaid flowchart: a subgraph for each node with its pods, in rows by role, and a subgraph of the pods that are on no
 * node. Nothing where it would be more than GitHub draws.
 */
export function flowchart(map: ClusterMap): string | undefined {
  if (map.nodes.length > limits.nodes) return undefined;
  const ids = new Map(map.nodes.map((node, i) => [node, `n${i}`]));
  const waiting = map.waiting.length === 0 ? [] : ["waiting"];
  const rows = groupsOf(map).flatMap(({ nodes }) => inRows(nodes.flatMap((node) => ids.get(node) ?? [])));
  const links = below([...rows, ...waiting.map((id) => [id])]);
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
    ...[...ids].flatMap(([{ fate }, id]) => (fate === undefined ? [] : [`class ${id} ${fate}`])),
  ].join("\n");
  return text.length > limits.characters || links.length > limits.edges ? undefined : text;
}

/** A box in a subgraph: its text and its class. */
type Box = [string, string?];

/** The title is one line, as Mermaid 11 draws the boxes over a second. */
function nodeGraph(id: string, { name, role, zone, taints, fate, pods, departed }: MappedNode): string[] {
  const place = [role, zone === undefined ? undefined : `zone ${zone}`].filter((part) => part !== undefined).join(", ");
  const about = [place, ...taints].filter((line) => line !== "");
  return subgraph(id, fate === undefined ? name : `${name}: ${fate.toUpperCase()}`, [
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

/** Boxes without links between them stand below each other where the direction is to the right. */
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

/** Links that nobody sees put each row below the one before. */
function below(rows: readonly string[][]): string[] {
  return rows.slice(1).flatMap((row, i) => (rows[i] ?? []).flatMap((upper) => row.map((id) => `${upper} ~~~ ${id}`)));
}

/** A quoted label of several lines. What is not plainly text goes in as a number, so that none of it is syntax. */
function label(lines: readonly string[]): string {
  const plain = lines.map((line) => line.replace(/[^\w .,:=()/-]/gu, (sign) => `#${sign.codePointAt(0) ?? 0};`));
  return `"${plain.join("<br/>")}"`;
}
