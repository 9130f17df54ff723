import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { renderMarkdown } from "../../../rehearsal/report/markdown.ts";
import { loss, production } from "../production.ts";
import { layout, node, observation, pod, running } from "../seen.ts";

const test = production({ stack: "test", layout, seen: running() });

function mermaid(markdown: string): string {
  return /^```mermaid\n(.*?)\n```$/ms.exec(markdown)?.[1] ?? "";
}

/** The lines of a subgraph, by its title. */
function subgraph(markdown: string, title: string): string[] {
  const lines = mermaid(markdown).split("\n");
  const start = lines.findIndex((line) => line.startsWith("subgraph ") && line.endsWith(`["${title}"]`));
  return start < 0 ? [] : lines.slice(start + 1, lines.indexOf("end", start));
}

describe("renderMarkdown", () => {
  it("begins with the result, and lists the problems", () => {
    assert.match(
      renderMarkdown(test),
      /^### Passes: rehearsal of the stack test\n\n\*\*The stack test would start: 15 pods run, all where planned\.\*\*\n/,
    );
    const failed = renderMarkdown({ ...test, missing: ["Secret a does not exist", "one\n- two"] });
    assert.match(
      failed,
      /^### Does not pass: rehearsal of the stack test\n\n\*\*The stack test does not pass: 2 problems\.\*\*/,
    );
    assert.match(failed, /\n#### Problems\n\n- Secret a does not exist\n- one<br>- two\n\n/);
  });

  it("contains the report's tables", () => {
    const text = renderMarkdown(test);
    for (const row of [
      "| node1 | pulsar-bookie-0, pulsar-broker-0, pulsar-proxy-0, pulsar-pulsar-manager, pulsar-zookeeper-0 |",
      "| pulsar-bookie-init | complete |",
      "| data-0 | Bound | 20Gi | node1 |",
      "| pulsar-proxy | ClusterIP | 80/TCP 6650/TCP |",
      "| second up | 11.3 s | no changes |",
    ]) {
      assert.ok(text.includes(`\n${row}\n`), row);
    }
    assert.match(
      text,
      /\n#### Simulated or replaced by stand-ins\n\n- kubelets are simulated \(KWOK\): no container runs\n/,
    );
  });

  it("escapes markup, mentions, references and formulas in names of the cluster", () => {
    const missing = ["a|b *c* _d_ `e` <script> [f](g) $h$ @team #12 ~~i~~ & :tada: https://j", "- k", "1. l", "# m"];
    const text = renderMarkdown({ ...test, missing });
    assert.ok(
      text.includes(
        "- a\\|b \\*c\\* \\_d\\_ \\`e\\` &lt;script&gt; \\[f\\](g) \\$h\\$ @&#8203;team #&#8203;12 \\~\\~i\\~\\~ &amp; :&#8203;tada: https:&#8203;//j\n" +
          "- \\- k\n- 1&#8203;. l\n- #&#8203; m\n",
      ),
      text,
    );
  });

  it("draws each node with its pods, without completed Jobs", () => {
    const text = renderMarkdown(production());
    assert.deepEqual(subgraph(text, "serving-2"), [
      "  direction LR",
      '  n5b0["serving, zone b<br/>dedicated=pulsar-serving:NoSchedule"]:::about',
      '  n5b1["pulsar-broker-1"]',
      '  n5b2["pulsar-proxy-1"]',
      '  n5b3["pulsar-pulsar-manager"]',
      '  n5b4["pulsar-toolset-0"]',
    ]);
    for (const { title, state } of production().seen?.pods ?? []) {
      assert.equal(mermaid(text).split(`"${title}"`).length - 1, state === "done" ? 0 : 1, title);
    }
  });

  it("draws a lost node dashed, moved pods on their new node, and waiting pods separately", () => {
    const text = renderMarkdown(production({ whatIfs: [loss(["serving-2"])] }));
    assert.deepEqual(subgraph(text, "serving-2: LOST").slice(2), [
      '  n5b1["pulsar-broker-1<br/>waits"]:::gone',
      '  n5b2["pulsar-proxy-1<br/>waits"]:::gone',
      '  n5b3["pulsar-pulsar-manager<br/>now on serving-1"]:::gone',
      '  n5b4["pulsar-toolset-0<br/>now on serving-1"]:::gone',
    ]);
    assert.match(mermaid(text), /^classDef lost .*stroke-dasharray/m);
    assert.match(mermaid(text), /^class n5 lost$/m);
    assert.ok(subgraph(text, "serving-1").includes('  n4b4["pulsar-recovery-0"]'));
    assert.ok(subgraph(text, "serving-1").includes('  n4b3["pulsar-pulsar-manager<br/>arrived"]:::arrived'));
    assert.deepEqual(subgraph(text, "without a node"), [
      "  direction LR",
      '  waitingb0["pulsar-broker-1<br/>waits"]:::waits',
      '  waitingb1["pulsar-proxy-1<br/>waits"]:::waits',
    ]);
    assert.match(text, /\n- pulsar-broker-1 waits: anti-affinity with pods on 2 nodes/);
    assert.match(text, /\n2\. If it does not: `kubectl taint node serving-2 node\.kubernetes\.io\/out-of-service=/);
  });

  it("shows characters that would hide or reorder their neighbors", () => {
    const text = renderMarkdown({ ...test, missing: ["safe\u202Ereversed\u202C", "nul\0"] });
    assert.ok(text.includes("- safeU+202EreversedU+202C\n- nulU+0000\n"), text);
  });

  it("escapes Mermaid syntax in names", () => {
    const name = 'a"]; end %%{init: 1}%% #lt; `b` <i> é';
    const seen = observation({ nodes: [node(name)], pods: [pod("p", { node: name })] });
    assert.match(
      mermaid(renderMarkdown({ ...test, seen })),
      /^subgraph n0\["a#34;#93;#59; end #37;#37;#123;init: 1#125;#37;#37; #35;lt#59; #96;b#96; #60;i#62; #233;"\]$/m,
    );
  });

  it("compares several what-ifs in one table", () => {
    const text = renderMarkdown(production({ whatIfs: [loss(["zk-1"]), loss(["bookie-1", "bookie-4"], "a")] }));
    assert.ok(
      text.includes(
        "| case | Pulsar | ZooKeeper (needs 2) | bookies (needs 3) | brokers (needs 1) | proxies (needs 1) | pods moved | pods waiting |\n" +
          "| --- | --- | --- | --- | --- | --- | --- | --- |\n" +
          "| node zk-1 is lost | continues | 2 of 3 | 4 of 4 | 3 of 3 | 3 of 3 | 0 | 1 |\n" +
          "| zone a is lost (nodes bookie-1 and bookie-4) | stops | 3 of 3 | 2 of 4 | 3 of 3 | 3 of 3 | 0 | 2 |\n",
      ),
      text,
    );
  });

  it("omits the diagram of a large cluster, collapses long tables, and stays within the size of a comment", () => {
    const nodes = Array.from({ length: 1000 }, (_, i) => node(`node${i}`));
    const pods = nodes.map(({ name }, i) => pod(`pulsar-broker-${i}`, { component: "broker", node: name }));
    const claims = nodes.map((_, i) => ({ name: `journal-of-a-bookie-${i}`, phase: "Bound", volume: `volume-${i}` }));
    const text = renderMarkdown({ ...test, seen: observation({ nodes, pods, claims }) });
    assert.equal(mermaid(text), "");
    assert.match(text, /\nNo diagram: GitHub does not draw a diagram of 1000 nodes\.\n/);
    assert.match(text, /<details><summary>Pods by node \(1000\)<\/summary>\n\n\| node \| pods \|\n/);
    assert.match(text, /\n- and \d+ more\n/);
    const larger = renderMarkdown({ ...test, seen: observation({ nodes, pods, claims: [...claims, ...claims] }) });
    assert.ok(larger.length < 65_536);
    assert.match(larger, /\nLeft out to fit into a comment: Claims and volumes\.\n$/);
  });

  it("renders a record without an observation of the cluster", () => {
    const text = renderMarkdown({
      ...test,
      seen: undefined,
      operations: [{ name: "up", seconds: 1, outcome: "failed", details: ["no such host"] }],
    });
    assert.match(text, /\n- up failed: no such host\n/);
    assert.equal(mermaid(text), "");
  });
});
