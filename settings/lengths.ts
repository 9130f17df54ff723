import { chartLine } from "../model/charts/lines.ts";
import { builtNames, maxLabelLength } from "../model/charts/names.ts";
import { groupMark } from "../model/layouts/dedicated.ts";
import { type Fault, keyOf } from "./faults.ts";
import { groupNames } from "./resolved.ts";
import type { Parsed } from "./schema.ts";

/** Names and label values that become too long when the program puts them together from the settings. */
export function lengthFaults(settings: Partial<Parsed>): Fault[] {
  return [...releaseFaults(settings), ...markFaults(settings)];
}

/** How long a release's name may be follows from everything that is named after it with the chart in use. */
function releaseFaults({ release, chart }: Partial<Parsed>): Fault[] {
  if (release === undefined || chart === undefined) return [];
  const excess = ({ text, limit }: { text: string; limit: number }) => text.length - limit;
  const [longest] = builtNames(release, chartLine(chart.version).makes).sort((a, b) => excess(b) - excess(a));
  if (longest === undefined || excess(longest) <= 0) return [];
  return [
    {
      key: keyOf(["release"]),
      problem:
        `${JSON.stringify(release)} (${release.length} characters) is too long: the ${longest.what} would be ` +
        `${longest.text}, which has ${longest.text.length} characters and may have ${longest.limit}`,
      remedy: `use ${release.length - excess(longest)} characters at most with chart ${chart.version}`,
    },
  ];
}

/** The dedicated layout puts the name of the node's group behind the values of label and taint. */
function markFaults({ layout, ...settings }: Partial<Parsed>): Fault[] {
  if (layout !== "dedicated") return [];
  return (["nodeLabel", "nodeTaint"] as const).flatMap((key) => {
    const value = settings[key]?.value ?? "";
    const marks = groupNames.map((group) => groupMark(value, group));
    const longest = marks.reduce((a, b) => (b.length > a.length ? b : a));
    if (longest.length <= maxLabelLength) return [];
    return {
      key: keyOf([key, "value"]),
      problem:
        `${JSON.stringify(value)} (${value.length} characters) is too long: with the group's name it would be ` +
        `${longest}, which has ${longest.length} characters and may have ${maxLabelLength}`,
      remedy: `use ${value.length - (longest.length - maxLabelLength)} characters at most`,
    };
  });
}
