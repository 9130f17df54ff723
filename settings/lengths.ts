import { builtNames, maxLabelLength } from "../model/charts/names.ts";
import { groupMark } from "../model/layouts/dedicated.ts";
import type { Add } from "./faults.ts";
import { groupNames, type Settings } from "./resolve.ts";

/** The limit of a release's name follows from the names of all objects that the program and the chart derive from it. */
export function releaseFaults({ release, chart, line }: Pick<Settings, "release" | "chart" | "line">, add: Add) {
  const excess = ({ text, limit }: { text: string; limit: number }) => text.length - limit;
  const [longest] = builtNames(release, line.makes).sort((a, b) => excess(b) - excess(a));
  if (longest === undefined || excess(longest) <= 0) return;
  add(
    ["release"],
    `${JSON.stringify(release)} (${release.length} characters) is too long: the ${longest.what} would be ` +
      `${longest.text}, which has ${longest.text.length} characters and may have ${longest.limit}`,
    `use ${release.length - excess(longest)} characters at most with chart ${chart.version}`,
  );
}

/** The dedicated layout appends the name of the node's group to the values of label and taint. */
export function labelFaults({ layoutName, ...settings }: Settings, add: Add) {
  if (layoutName !== "dedicated") return;
  for (const key of ["nodeLabel", "nodeTaint"] as const) {
    const { value } = settings[key];
    const marks = groupNames.map((group) => groupMark(value, group));
    const longest = marks.reduce((a, b) => (b.length > a.length ? b : a));
    if (longest.length <= maxLabelLength) continue;
    add(
      [key, "value"],
      `${JSON.stringify(value)} (${value.length} characters) is too long: with the group's name it would be ` +
        `${longest}, which has ${longest.length} characters and may have ${maxLabelLength}`,
      `use ${value.length - (longest.length - maxLabelLength)} characters at most`,
    );
  }
}
