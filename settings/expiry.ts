import { type Fault, keyOf } from "./faults.ts";
import type { Parsed } from "./schema.ts";

/** Expiry of the tokens at a given time. Only `stackSettings` reads the clock. */

const dayLength = 86_400_000;

type Dated = { tokens: Pick<Parsed["tokens"], "expires" | "warnDays"> } & Pick<Parsed, "clients">;

/** Faults of days that have begun: such tokens are refused. */
export function expiryFaults(settings: Dated, now: Date): Fault[] {
  return days(settings)
    .filter(({ day }) => Date.parse(day) <= now.getTime())
    .map(({ path, day }) => ({
      key: keyOf(path),
      problem: `${day} has begun (UTC), so the tokens would be refused`,
      remedy: `use a day after ${now.toISOString().slice(0, 10)}`,
    }));
}

/** A warning for each day that is fewer than `tokens.warnDays` days away. */
export function expiryWarnings(settings: Dated, now: Date): string[] {
  return days(settings).flatMap(({ path, day }) => {
    const left = (Date.parse(day) - now.getTime()) / dayLength;
    if (left >= settings.tokens.warnDays) return [];
    const whole = Math.floor(left);
    return [
      `${keyOf(path)}: tokens expire on ${day} (00:00 UTC), ${whole === 1 ? "1 day" : `${whole} days`} from now; see docs/operations/rotate-keys.md`,
    ];
  });
}

function days({ tokens, clients }: Dated): { path: PropertyKey[]; day: string }[] {
  const named = [
    { path: ["tokens", "expires"], day: tokens.expires },
    ...clients.map(({ expires }, i) => ({ path: ["clients", i, "expires"], day: expires })),
  ];
  return named.flatMap(({ path, day }) => (day === undefined ? [] : [{ path, day }]));
}
