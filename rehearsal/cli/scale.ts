/** `npm run scale`: what the rehearsal of larger and larger plans takes, in seconds and in memory. */
import { options, run } from "./command.ts";
import { RehearsalError } from "../engine/fault.ts";
import { progressOn } from "./progress.ts";
import { growthRow, heading, rowOf } from "../scale/growth.ts";
import { measure, type Measurement } from "../scale/measure.ts";
import { fewestNodes, planOf } from "../scale/plan.ts";
import { table } from "../report/table.ts";

const usage = `Rehearses plans of growing size, each on a control plane of its own: the production stack's settings in the dedicated layout, with
generated nodes in three zones. Two thirds carry bookies, three ZooKeeper (five from 60 nodes on), all others a broker and a proxy.

  npm run scale [-- --nodes N,...]

  --nodes N,...  numbers of nodes, ${fewestNodes} or more each (default: 30,300)
  --help         shows this

resources  in the stack's state, components and providers included
pods       of the release, running where they are planned
seconds    of one pulumi command from start to end; tools and control plane are there before. State is saved once a command (pulumi by itself
           saves all of it after each step, which grows with the square of the resources), and 64 steps may be under way at a time
MiB        the most that was resident over all operations, as the kernel counts it; plugins: all together, with the language host and Helm
growth     from the smallest plan to the largest, per node: 1.0 is linear, less is better

Exit status: 0 if all were rehearsed without a problem; 2 if not.`;

async function main(): Promise<number> {
  const { help, sizes } = argumentsGiven();
  if (help) {
    console.log(usage);
    return 0;
  }
  const progress = progressOn(process.stdout);
  const log = (line: string) => {
    console.log(line);
  };
  const measured: Measurement[] = [];
  for (const nodes of sizes) {
    console.log(`${nodes} nodes`);
    // What is not the real thing is the same for all.
    measured.push(await measure(nodes, measured.length === 0 ? { progress, log } : { progress }));
  }
  console.log(["", ...table([heading, ...measured.map(rowOf), ...growthRow(measured)])].join("\n"));
  return 0;
}

function argumentsGiven(): { help: boolean; sizes: number[] } {
  const { help, nodes } = options({
    options: { nodes: { type: "string", default: "30,300" }, help: { type: "boolean", default: false } },
  });
  if (!/^[1-9]\d*(,[1-9]\d*)*$/.test(nodes)) {
    throw new RehearsalError(`--nodes: found "${nodes}"; allowed: whole numbers with commas between them`);
  }
  const sizes = nodes.split(",").map(Number);
  // Each is refused before the first is rehearsed.
  for (const size of sizes) planOf(size);
  return { help, sizes: sizes.toSorted((a, b) => a - b) };
}

await run(main);
