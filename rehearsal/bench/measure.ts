/** Two previews, one after the other, in seconds. */
export interface Pair {
  program: number;
  flat: number;
}

/** How much longer the program takes: the median over the pairs, so that what slows the machine down for a while counts for both. */
export function ratioOf(pairs: readonly Pair[]): number {
  return median(pairs.map(({ program, flat }) => program / flat));
}

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

/** How many resources a preview plans to create, by type, from the lines it prints. Components are left out: they are no resources of a provider. */
export function plannedTypes(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, type = ""] of text.matchAll(/^\s*\+\s+(\S+:\S+) \S+ create/gm)) {
    if (/^pulumi:pulumi:Stack$|^pulsar:components:/.test(type)) continue;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}

/** A line for each type of which the two plan a different number. */
export function differences(program: ReadonlyMap<string, number>, flat: ReadonlyMap<string, number>): string[] {
  return [...new Set([...program.keys(), ...flat.keys()])].sort().flatMap((type) => {
    const [ours, theirs] = [program.get(type) ?? 0, flat.get(type) ?? 0];
    return ours === theirs ? [] : [`${type}: ${ours} of the stack, ${theirs} of the flat program`];
  });
}
