/** `npm run scale`: measures time and memory of rehearsals of increasing size. */
import { command } from "./command.ts";
import { RehearsalError } from "../engine/fault.ts";
import { progressOn } from "./progress.ts";
import { growthRow, heading, rowOf } from "../scale/growth.ts";
import { measure, type Measurement } from "../scale/measure.ts";
import { fewestNodes, planOf } from "../scale/plan.ts";
import { alignColumns } from "../report/rows.ts";

const usage = `Rehearses plans of increasing size, each on its own control plane: the production stack's settings in the dedicated layout, with
generated nodes in three zones. Two thirds run bookies, three (five from 60 nodes on) run ZooKeeper, all others a broker and a proxy.

  npm run scale [-- --nodes N,...]

  --nodes N,...  numbers of nodes, each ${fewestNodes} or more (default: 30,300)
  --help         show this help

resources  in the stack's state, including components and providers
pods       of the release, running where planned
seconds    duration of one pulumi command, or of "npm run drift", without the setup of tools and control plane. The state is saved once per command
           (by default, pulumi saves all of it after each step, which grows with the square of the resources), and up to 64 steps run at a time
MiB        peak resident memory over all operations; plugins: the sum of all, with the language host and Helm
growth     from the smallest plan to the largest, per node: 1.0 is linear, less is better

Exit status: 0 if all rehearsals pass; 2 if not.`;

const options = { nodes: { type: "string", default: "30,300" } } as const;

await command({ usage, options }, async (given) => {
  const sizes = sizesIn(given.nodes);
  const progress = progressOn(process.stdout);
  const log = (line: string) => {
    console.log(line);
  };
  const measured: Measurement[] = [];
  for (const nodes of sizes) {
    console.log(`${nodes} nodes`);
    // The stand-ins are the same for all.
    measured.push(await measure(nodes, measured.length === 0 ? { progress, log } : { progress }));
  }
  console.log(["", ...alignColumns([heading, ...measured.map(rowOf), ...growthRow(measured)])].join("\n"));
  return 0;
});

function sizesIn(nodes: string): number[] {
  if (!/^[1-9]\d*(,[1-9]\d*)*$/.test(nodes)) {
    throw new RehearsalError(`--nodes: "${nodes}" is not valid; use whole numbers, separated by commas`);
  }
  const sizes = nodes.split(",").map(Number);
  // Reports an invalid size before the first rehearsal.
  for (const size of sizes) planOf(size);
  return sizes.toSorted((a, b) => a - b);
}
