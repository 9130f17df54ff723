/** Order by `name`, numbers in it by their value: bookie-2 comes before bookie-10. The same on every machine. */
export function byName(a: { name: string }, b: { name: string }): number {
  return compareNames(a.name, b.name);
}

const collator = new Intl.Collator("en", { numeric: true });

export function compareNames(a: string, b: string): number {
  return collator.compare(a, b);
}
