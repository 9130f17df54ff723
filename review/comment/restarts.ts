import type { Forecast, Sequence } from "../restarts/forecast.ts";
import { bullets, type Section, table } from "./markdown.ts";

/** The pods that change, in their order, and those that do not. */
export function forecastSection({ phases, unchanged, pending, jobs, unavailable }: Forecast): Section {
  const rows = phases.flatMap(({ name, sequences }, index) =>
    sequences.flatMap((sequence) => rowsOf(sequence).map((row) => [`${index + 1}. ${name}`, ...row])),
  );
  const quiet = unchanged.map(({ component, pods }) => `${component} (${pods})`).join(", ");
  const text = [
    "#### Restart forecast",
    rows.length > 0 ? table(["Step", "Pods, in order", "Effect", "Why"], rows) : "No pod restarts.",
    ...(quiet !== "" && rows.length > 0 ? [`Keep running: ${quiet}.`] : []),
    ...listed("Meanwhile", unavailable),
    ...listed("Not visible to running pods", pending),
    ...listed("Jobs that run", jobs),
  ];
  return { name: "the restart forecast", text: text.join("\n\n") };
}

/** One row for each effect and reason in a sequence. */
function rowsOf({ pods, together }: Sequence): string[][] {
  const groups = Map.groupBy(pods, ({ effect, why }) => JSON.stringify([effect, why]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const order = group.length > 1 ? (together ? "; all at once" : "; one after the other") : "";
    return [[group.map(({ pod }) => pod).join(", "), `${first.effect}${order}`, first.why.join("; ")]];
  });
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:\n\n${bullets(lines)}`];
}
