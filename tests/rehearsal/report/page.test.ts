import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderPage } from "../../../rehearsal/report/page.ts";
import { layout as production10, loss, production } from "../production.ts";
import { layout, node, observation, pod, running, volume } from "../seen.ts";

const test = production({ stack: "test", layout, seen: running() });

/** The names of the pods on a page, with duplicates. */
function podsOn(page: string): string[] {
  return [...page.matchAll(/data-pod="([^"]*)"/g)].map(([, name = ""]) => name);
}

/** The card of a node as text. */
function card(page: string, name: string): string {
  const start = page.indexOf(`data-node="${name}"`);
  return start < 0 ? "" : textOf(page.slice(page.indexOf(">", start) + 1, page.indexOf("</article>", start)));
}

function textOf(markup: string): string {
  return markup
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}

describe("renderPage", () => {
  it("begins with the result, and lists the problems", () => {
    assert.match(
      textOf(renderPage(test)),
      /Rehearsal of the stack test Passes The stack test would start: 15 pods run, all where planned\. 3 nodes, 15 of 15 pods run, 1 of 1 claims bound\./,
    );
    const failed = renderPage({ ...test, leftovers: ["Secret pulsar/a"] });
    assert.match(textOf(failed), /Does not pass The stack test does not pass: 1 problem\./);
    assert.match(failed, /<li>left behind by destroy: Secret pulsar\/a<\/li>/);
  });

  it("shows every pod once on a map", () => {
    const page = renderPage(test);
    assert.deepEqual(podsOn(page).sort(), running().pods.map(({ name }) => name).sort()); // prettier-ignore
    assert.equal(
      card(page, "node2"),
      "node2 dedicated=pulsar:NoSchedule " +
        "pulsar-bookie-1 ready pulsar-broker-1 ready pulsar-proxy-1 ready pulsar-recovery-0 ready pulsar-zookeeper-1 ready " +
        "CPU requested 0 of 16 memory requested 0 of 64 GiB",
    );
  });

  it("shows the size, requests and volumes of a node", () => {
    const seen = observation({
      nodes: [node("node1", { allocatable: { cpu: 4, memory: 8 * 2 ** 30 } })],
      pods: [
        pod("a", { node: "node1", requests: { cpu: 1.5, memory: 2 ** 30 } }),
        pod("b", { node: "node1", requests: { cpu: 0.5, memory: 2 ** 29 } }),
        pod("c", { node: "node1", state: "done", requests: { cpu: 2, memory: 2 ** 30 } }),
      ],
      volumes: [volume("data-0", ["node1"]), volume("data-1", ["node2"])],
    });
    const page = renderPage({ ...test, seen });
    assert.match(card(page, "node1"), / data-0 20Gi bound CPU requested 2 of 4 memory requested 1\.5 of 8 GiB$/);
    assert.match(page, /style="width:50%"/);
    assert.match(page, /style="width:19%"/);
  });

  it("groups nodes by role and zone, with nodes outside the layout in a separate group", () => {
    const { seen } = production();
    assert.ok(seen);
    const page = renderPage(production({ seen: { ...seen, nodes: [...seen.nodes, node("other-1", { taints: [] })] } }));
    const titles = [...page.matchAll(/<(h[345])>(.*?)<\/\1>/g)].map(
      ([, level = "", title = ""]) => `${level} ${textOf(title)}`,
    );
    assert.deepEqual(
      titles.filter((title) => !/node$|Simulated/.test(title)),
      [
        ...["h3 ZooKeeper nodes 3", "h4 zone a", "h5 zk-1", "h4 zone b", "h5 zk-2", "h4 zone c", "h5 zk-3"],
        ...["h3 Bookie nodes 4", "h4 zone a", "h5 bookie-1", "h5 bookie-4"],
        ...["h4 zone b", "h5 bookie-2", "h4 zone c", "h5 bookie-3"],
        ...[
          "h3 Serving nodes 3",
          "h4 zone a",
          "h5 serving-1",
          "h4 zone b",
          "h5 serving-2",
          "h4 zone c",
          "h5 serving-3",
        ],
        ...["h3 Other nodes 1", "h4 other-1"],
      ],
    );
  });

  it("marks a lost node, shows moved pods on their new node, and waiting pods with their reasons", () => {
    const whatIf = loss(["serving-2"]);
    const page = renderPage(production({ whatIfs: [whatIf] }));
    const [map = "", deployed = ""] = page.split("The cluster after up");
    assert.deepEqual(podsOn(map).sort(), whatIf.after.pods.map(({ name }) => name).sort()); // prettier-ignore
    assert.equal(podsOn(deployed).length, production().seen?.pods.length);
    assert.match(
      map,
      /<article class="card node lost" data-node="serving-2">\s*<header>\s*<h5><del>serving-2<\/del><\/h5>/,
    );
    assert.equal(
      card(map, "serving-2"),
      "serving-2 lost dedicated=pulsar-serving:NoSchedule node.kubernetes.io/unreachable:NoExecute " +
        "pulsar-broker-1 waits pulsar-proxy-1 waits pulsar-pulsar-manager now on serving-1 pulsar-toolset-0 now on serving-1",
    );
    assert.match(
      card(map, "serving-1"),
      /pulsar-pulsar-manager arrived pulsar-recovery-0 ready pulsar-toolset-0 arrived/,
    );
    assert.match(textOf(map), /Without a node 2 pods pulsar-broker-1 waits anti-affinity with pods on 2 nodes/);
  });

  it("shows a pod that was not evicted on the drained node, with the reason", () => {
    const { seen } = production();
    assert.ok(seen);
    const lost = loss(["zk-1"]);
    const why = "it stays on zk-1: the disruption budget allows no more";
    const move = { pod: "pulsar-zookeeper-0", component: "zookeeper", from: "zk-1", refused: true, why } as const;
    const page = renderPage(production({ whatIfs: [{ ...lost, kind: "drained", moves: [move], after: seen }] }));
    assert.match(
      card(page, "zk-1"),
      /^zk-1 drained .* pulsar-zookeeper-0 stays it stays on zk-1: the disruption budget/,
    );
    assert.match(textOf(page), /0 pods moved, 0 pods wait, 1 pod could not be evicted\./);
    assert.doesNotMatch(textOf(page), /Without a node/);
  });

  it("shows pods that were not created again, and pods that are stuck on the lost node", () => {
    const { seen } = production();
    assert.ok(seen);
    const moves = ["pulsar-zookeeper-0", "pulsar-gone-0"].map((pod) => ({ pod, from: "zk-1", why: `why ${pod}` }));
    const stuck = seen.pods.map((one) => (one.node === "zk-1" ? { ...one, state: "ending" as const } : one));
    const page = renderPage(production({ whatIfs: [{ ...loss(["zk-1"]), moves, after: { ...seen, pods: stuck } }] }));
    assert.match(
      textOf(page),
      /Without a node 2 pods pulsar-gone-0 waits why pulsar-gone-0 pulsar-zookeeper-0 ending why pulsar-zookeeper-0/,
    );
  });

  it("shows the numbers of replicas and the next steps", () => {
    const text = textOf(renderPage(production({ whatIfs: [loss(["bookie-1", "bookie-4", "zk-1"])] })));
    assert.match(text, /If nodes bookie-1, bookie-4 and zk-1 are lost Pulsar stops\. 0 pods moved, 3 pods wait\./);
    assert.match(
      text,
      /ZooKeeper 2 of 3 needs 2, none to spare bookies 2 of 4 needs 3, 1 too few brokers 3 of 3 needs 1, 2 to spare/,
    );
    assert.match(text, /Ledgers: ensemble 3, write quorum 3, ack quorum 2\./);
    assert.match(text, /Why it stops each ledger is spread over 3 bookies/);
    assert.match(text, /What to do next If bookie-1 comes back, its pods start there automatically\./);
  });

  it("links a table of several what-ifs to their sections, with collapsed maps", () => {
    const names = production10.nodes.map(({ name }) => name);
    const page = renderPage(production({ whatIfs: names.map((name) => loss([name])) }));
    const links = [...page.matchAll(/<a href="#([^"]*)">(.*?)<\/a>/g)].map(([, id, title]) => [id, title]);
    assert.deepEqual(links, names.map((name, i) => [`what-if-${i + 1}`, `node ${name} is lost`])); // prettier-ignore
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    assert.deepEqual(ids, links.map(([id]) => id)); // prettier-ignore
    assert.equal([...page.matchAll(/<details >/g)].length, names.length);
    assert.doesNotMatch(page, /<details open>/);
  });

  it("shows only affected nodes if the maps would be too large", () => {
    const { seen } = production();
    assert.ok(seen);
    const more = Array.from({ length: 300 }, (_, i) => node(`other-${i}`));
    const large = (one: typeof seen) => ({ ...one, nodes: [...one.nodes, ...more] });
    const whatIfs = ["zk-1", "serving-2"]
      .map((name) => loss([name]))
      .map((one) => ({ ...one, after: large(one.after) }));
    const page = renderPage(production({ seen: large(seen), whatIfs }));
    const [, second = ""] = page.split('id="what-if-2"');
    assert.deepEqual(
      [...second.matchAll(/data-node="([^"]*)"/g)].map(([, name]) => name),
      ["serving-1", "serving-2"],
    );
    assert.match(textOf(second), /Nothing happened to 308 other nodes\./);
  });

  it("escapes all strings from the cluster", () => {
    const evil = `<img src=x onerror="alert(1)">&'`;
    const pods = [pod(evil, { component: evil, node: evil }), pod(`${evil}2`, { unscheduled: evil })];
    const nodes = [node(evil, { taints: [{ key: evil, value: evil, effect: evil }] })];
    const one = { ...volume(evil, [evil]), phase: evil, size: evil };
    const seen = observation({
      nodes: nodes.map((each) => ({ ...each, labels: { "kubernetes.io/hostname": evil, "pulsar-stack/zone": evil } })),
      pods,
      volumes: [one],
      claims: [{ name: evil, phase: evil, volume: evil }],
      services: [{ name: evil, type: evil, ports: [evil], pending: false }],
      jobs: [{ name: evil, component: "bookie-init", state: "open" }],
    });
    const whatIf = { ...loss([]), nodes: [evil], zone: evil, advice: [`a: kubectl ${evil}`], after: seen };
    const survival = { ...whatIf.survival, stops: [evil], degraded: [evil] };
    const page = renderPage({
      ...test,
      stack: evil,
      seen,
      parts: { real: [evil], standIns: [evil] },
      missing: [evil],
      operations: [{ name: "up", seconds: 1, outcome: "failed", details: [evil] }],
      whatIfs: [{ ...whatIf, survival, moves: [{ pod: evil, from: evil, to: evil, why: evil }] }],
    });
    assert.doesNotMatch(page, /<img|onerror="|&'/);
    assert.ok(page.includes("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;"));
  });

  it("is self-contained and reproducible", () => {
    const record = production({ whatIfs: [loss(["bookie-2"])] });
    const page = renderPage(record);
    assert.equal(renderPage(structuredClone(record)), page);
    assert.doesNotMatch(page, /<script|<img|<iframe|@import|url\(|\ssrc=|http:|https:/);
    assert.deepEqual(
      [...page.matchAll(/href="([^"]*)"/g)].map(([, address]) => address),
      ["data:,"],
    );
    assert.match(page, /^<!doctype html>\s*<html lang="en">/);
    assert.match(page, /default-src 'none'/);
  });

  it("renders a record without an observation of the cluster", () => {
    const failed = [{ name: "up", seconds: 1, outcome: "failed", details: ["no such host"] } as const];
    const page = renderPage({
      ...test,
      seen: undefined,
      operations: failed.map((one) => ({ ...one, details: [...one.details] })),
    });
    assert.match(textOf(page), /Problems up failed: no such host Operations/);
  });
});
