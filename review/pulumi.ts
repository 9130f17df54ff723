import { which } from "../rehearsal/tools/findTool.ts";
import { prepareTools } from "../rehearsal/tools/tools.ts";

/** Path of Pulumi: the one on PATH, else the rehearsal's. */
export async function findPulumi(log: (line: string) => void = () => undefined): Promise<string> {
  const { signal } = new AbortController();
  return (await which("pulumi")) ?? (await prepareTools({ log, signal }, ["pulumi"])).tools.pulumi;
}
