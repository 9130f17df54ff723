import type { z } from "zod";
import * as scalar from "./scalars.ts";

export const ledgersSchema = scalar
  .object({
    ensemble: scalar.replicas
      .optional()
      .meta({ description: "Bookies that a ledger is spread over.", otherwise: "2 (mixed), 3 (dedicated)" }),
    write: scalar.replicas
      .optional()
      .meta({ description: "Copies of each entry.", otherwise: "2 (mixed), 3 (dedicated)" }),
    ack: scalar.replicas.optional().meta({ description: "Copies that must be acknowledged.", otherwise: "2" }),
  })
  .prefault({})
  .meta({ description: "Quorums that brokers write ledgers with.", change: "Applies to new ledgers." });

type LedgerSettings = z.output<typeof ledgersSchema>;
/** 1 <= ack <= write <= ensemble <= number of bookies. */
export type Ledgers = Record<keyof LedgerSettings, number>;

/** The quorums of a layout, where the settings do not set them. */
export function ledgersOf({ ensemble, write, ack = 2 }: LedgerSettings, layout: "mixed" | "dedicated"): Ledgers {
  const copies = layout === "mixed" ? 2 : 3;
  return { ensemble: ensemble ?? copies, write: write ?? copies, ack };
}
