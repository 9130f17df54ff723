import type { ChartLine } from "../cluster.ts";
import { repairsVersion } from "./repairs.ts";
import { values } from "./values.ts";

/** Chart versions 2.7.x; in the supported versions: 2.7.7 (Pulsar 2.7.4), the seed's. */
export const line27: ChartLine = {
  values,
  databaseSecretKeys: { user: "PULSAR_MANAGER_ADMIN_USER", password: "PULSAR_MANAGER_ADMIN_PASSWORD" },
  postrender: "./components/charts/line27/postrender",
  repairs: repairsVersion,
};
