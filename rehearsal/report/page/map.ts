import type { Component } from "../../../model/layouts/layout.ts";
import {
  groupsOf,
  stateText,
  type ClusterMap,
  type DepartedPod,
  type MappedNode,
  type MappedPod,
  type NodeGroup,
} from "../map.ts";
import type { VolumeView } from "../../cluster/observe.ts";
import { count } from "../rows.ts";
import { html, Html } from "./html.ts";

/** The cluster as cards: one for each node, in columns by zone if the nodes have zones, and one for the pods without a node. */
export function clusterCards(map: ClusterMap): Html {
  return html`<div class="map">
    ${legend(map)} ${map.waiting.length === 0 ? undefined : waitingCard(map.waiting)}
    ${groupsOf(map).map((group) => groupCards(group))}
  </div>`;
}

/** The legend of the colors. The names of the pods show the component, too. */
function legend({ nodes, waiting }: ClusterMap): Html {
  const pods = [...nodes.flatMap((node) => [...node.pods, ...node.departed]), ...waiting];
  const present = [...new Set(pods.map(({ component }) => component))];
  const known = Object.keys(componentNames) as Component[];
  const shown = [...known.filter((one) => present.includes(one)), ...(present.includes(undefined) ? [undefined] : [])];
  return html`<ul class="legend" aria-label="Colors">
    ${shown.map((component) => html`<li class="${color(component)}">${nameOf(component)}</li>`)}
  </ul>`;
}

const componentNames: Record<Component, string> = {
  zookeeper: "ZooKeeper",
  bookkeeper: "bookie",
  broker: "broker",
  proxy: "proxy",
  autorecovery: "autorecovery",
  toolset: "toolset",
  manager: "manager",
  init: "init Job",
};

function nameOf(component: Component | undefined): string {
  return component === undefined ? "other" : componentNames[component];
}

function color(component: Component | undefined): string {
  return `c-${component ?? "other"}`;
}

function groupCards({ title, nodes, zones }: NodeGroup): Html {
  const heading = html`<h3>${title} <span class="count">${nodes.length}</span></h3>`;
  if (zones.length === 0) {
    return html`<section class="group">
      ${heading}
      <div class="cards">${nodes.map((node) => nodeCard(node, "h4"))}</div>
    </section>`;
  }
  const columns = zones.map((zone) => {
    const members = nodes.filter((node) => node.zone === zone);
    return html`<section class="zone">
      <h4>zone ${zone}</h4>
      ${members.length === 0 ? html`<p class="none">none here</p>` : members.map((node) => nodeCard(node, "h5"))}
    </section>`;
  });
  return html`<section class="group">
    ${heading}
    <div class="cards by-zone">${columns}</div>
  </section>`;
}

function nodeCard(node: MappedNode, heading: "h4" | "h5"): Html {
  const tag = new Html(heading);
  const { name, failure, pods, departed, taints, volumes } = node;
  return html`<article class="card node ${failure ?? ""}" data-node="${name}">
    <header>
      <${tag}>${failure === undefined ? name : html`<del>${name}</del>`}</${tag}>
      ${failure === undefined ? undefined : html`<strong class="failure">${failure}</strong>`}
    </header>
    ${taints.length === 0 ? undefined : html`<p class="taints">${taints.map((taint) => html`<code>${taint}</code> `)}</p>`}
    ${
      pods.length === 0
        ? undefined
        : html`<ul class="pods">
            ${pods.map(podLine)}
          </ul>`
    }
    ${
      departed.length === 0
        ? undefined
        : html`<ul class="pods gone">
            ${departed.map(departedLine)}
          </ul>`
    }
    ${pods.length + departed.length === 0 ? html`<p class="none">no pods</p>` : undefined}
    ${volumes.length === 0 ? undefined : volumeList(volumes)} ${failure === "lost" ? undefined : load(node)}
  </article>`;
}

function podLine(pod: MappedPod): Html {
  const { name, title, component, state, arrived, why } = pod;
  const label = arrived && state === "ready" ? "arrived" : state;
  return html`<li class="pod ${color(component)}" data-pod="${name}">
    <span class="name">${title}</span> <span class="state ${label}">${stateText(pod)}</span>
    ${why === undefined ? undefined : html`<p class="why">${why}</p>`}
  </li>`;
}

function departedLine({ title, component, to }: DepartedPod): Html {
  return html`<li class="pod ${color(component)}">
    <del class="name">${title}</del>
    <span class="state">${to === undefined ? "waits" : html`now on ${to}`}</span>
  </li>`;
}

function volumeList(volumes: readonly VolumeView[]): Html {
  return html`<ul class="volumes" aria-label="Volumes">
    ${volumes.map(
      ({ name, size, phase }) =>
        html`<li><span class="name">${name}</span> <span class="size">${size} ${phase.toLowerCase()}</span></li>`,
    )}
  </ul>`;
}

function load({ allocatable, requested }: MappedNode): Html {
  const memory = inGiB(allocatable.memory);
  return html`<dl class="load">
    ${meter("CPU requested", requested.cpu, allocatable.cpu, `${decimal(requested.cpu)} of ${decimal(allocatable.cpu)}`)}
    ${meter("memory requested", requested.memory, allocatable.memory, `${inGiB(requested.memory)} of ${memory} GiB`)}
  </dl>`;
}

function meter(what: string, part: number, whole: number, text: string): Html {
  const percent = whole === 0 ? 0 : Math.min(100, Math.round((part / whole) * 100));
  return html`<div>
    <dt>${what}</dt>
    <dd>
      ${text}<span class="meter" aria-hidden="true"><i style="width:${percent}%"></i></span>
    </dd>
  </div>`;
}

function inGiB(bytes: number): string {
  return decimal(bytes / 2 ** 30);
}

function decimal(value: number): string {
  return String(Number(value.toFixed(2)));
}

function waitingCard(waiting: readonly MappedPod[]): Html {
  return html`<section class="card waiting">
    <h3>Without a node <span class="count">${count(waiting.length, "pod")}</span></h3>
    <ul class="pods">
      ${waiting.map(podLine)}
    </ul>
  </section>`;
}
