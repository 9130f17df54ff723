/** What a reviewer must not miss. This list is never cut. */
import type { StackPlan } from "../plan.ts";
import type { Differences, Review } from "./comment.ts";
import { mandatoryViolations, violationText } from "../../policy/evaluate.ts";

/** Types of resources that hold data, or that data is lost with. */
const holdsData =
  /PersistentVolume|core\/v1:Namespace$|StorageClass|postgresql:index\/(database:Database|schema:Schema|role:Role)$|pulsar:(ManagerTables|Tenant|Namespace|Topic)$|privateKey:PrivateKey$|helm.sh\/v3:Release$/;

/** One line each, without markup; the most serious first. */
export function redList(review: Review, before: StackPlan | undefined, differences: Differences): string[] {
  const { resources, objects, forecast, refused } = differences;
  const { policies, rehearsal, preview } = review;
  const ended = resources.filter(
    ({ action, type }) => (action === "delete" || action === "replace") && holdsData.test(type),
  );
  // The forecast names the fields of workloads that cannot change.
  const lost = objects.filter(
    ({ risk, action, kind }) =>
      risk === "data" && (action === "delete" || (action === "recreate" && !/^(StatefulSet|Deployment)$/.test(kind))),
  );
  const stops = forecast.phases.flatMap(({ sequences }) =>
    sequences
      .filter(({ component }) => component === "bookie" || component === "zookeeper")
      .flatMap(({ component, pods }) =>
        pods
          .filter(({ effect }) => effect === "stops")
          .map(
            ({ pod }) =>
              `${pod} stops permanently: the data on its volumes is no longer part of ${component === "bookie" ? "any ledger's copies" : "ZooKeeper"}`,
          ),
      ),
  );
  return [
    ...refused.flatMap((text) => text.split("\n")).map((line) => `refused: ${line.replace(/^[\s-]+/, "")}`),
    ...forecast.refused.map((line) => `refused by Kubernetes: ${line}`),
    ...(preview?.failed ? ["pulumi preview fails; its text is at the end"] : []),
    ...(rehearsal?.ok === false ? rehearsal.problems.map((line) => `the rehearsal does not pass: ${line}`) : []),
    ...ended.map(({ action, type, name, protect, retainOnDelete, replacedBy }) => {
      const what = `${action === "delete" ? "deletes" : "replaces"} ${type.split(":").at(-1) ?? type} ${name}`;
      const why = replacedBy.length > 0 ? ` because of ${replacedBy.join(", ")}` : "";
      const kept = protect
        ? "; it is protected, so the engine refuses"
        : retainOnDelete
          ? "; it stays in the cluster"
          : "";
      return `${what}${why}${kept}`;
    }),
    ...lost.map(({ action, kind, name, fixed }) =>
      action === "delete"
        ? `deletes ${kind} ${name}`
        : `changes ${fixed.join(", ")} of ${kind} ${name}, which Kubernetes does not change in place; the upgrade fails`,
    ),
    ...stops,
    ...(before === undefined ? [] : forecast.unavailable.filter((line) => /no majority|not writable|^no /.test(line))),
    ...(forecast.phases.some(
      ({ name, sequences }) =>
        name === "new tokens" && sequences.some(({ pods }) => pods.some(({ why }) => why.includes("another key"))),
    )
      ? [
          "the key of the tokens rotates: tokens handed out before are no longer accepted (docs/operations/rotate-keys.md)",
        ]
      : []),
    ...mandatoryViolations(policies).map((one) => `policy ${one.rule}: ${violationText(one)}`),
    ...(policies?.waived ?? []).map(
      ({ violation, waiver }) =>
        `policy ${violation.rule} is waived for ${violation.object} until ${waiver.expires}: ${waiver.reason}`,
    ),
  ];
}
