import { type Fault, keyOf } from "./faults.ts";
import { allowsPlainText } from "./production.ts";
import type { Settings } from "./resolve.ts";
import type { Parsed } from "./schema.ts";

/** Expiry of tokens, certificates and waivers at a given time. Only settings.ts reads the clock. */

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

/** The fault of production without TLS after the last day of its waiver, in UTC. */
export function waiverFaults(
  { production, tls, policyWaivers }: Pick<Settings, "production" | "tls" | "policyWaivers">,
  now: Date,
): Fault[] {
  const days = policyWaivers.filter(allowsPlainText).map(({ expires }) => expires);
  const last = days.sort().at(-1);
  if (!production || tls.enabled || last === undefined || last >= now.toISOString().slice(0, 10)) return [];
  return [
    {
      key: keyOf(["policyWaivers"]),
      problem: `the waiver of no-plain-ports expired on ${last}, and production refuses pulsar:tls.enabled: false without it`,
      remedy: "enable TLS (docs/operations/enable-tls.md), or review the waiver again",
    },
  ];
}

/** A warning for each day that is fewer than `tokens.warnDays` days away. */
export function expiryWarnings(settings: Dated, now: Date): string[] {
  return days(settings).flatMap(({ path, day }) => {
    const left = daysUntil(day, now);
    return left >= settings.tokens.warnDays
      ? []
      : [`${keyOf(path)}: tokens expire on ${day} (00:00 UTC), ${fromNow(left)}; see docs/operations/rotate-keys.md`];
  });
}

/**
 * The warning for a certificate that ends in fewer than `warnDays` days. One that has ended is replaced by the same update.
 * @param end RFC 3339
 */
export function certificateWarnings(
  { what, end, runbook }: { what: string; end: string; runbook: string },
  warnDays: number,
  now: Date,
): string[] {
  const left = daysUntil(end, now);
  return left >= warnDays || left <= 0
    ? []
    : [`pulsar:tls: ${what} ends on ${end.slice(0, 10)}, ${fromNow(left)}; see docs/operations/${runbook}`];
}

const daysUntil = (time: string, now: Date) => (Date.parse(time) - now.getTime()) / dayLength;

function fromNow(days: number): string {
  const whole = Math.floor(days);
  return `${whole === 1 ? "1 day" : `${whole} days`} from now`;
}

function days({ tokens, clients }: Dated): { path: PropertyKey[]; day: string }[] {
  const named = [
    { path: ["tokens", "expires"], day: tokens.expires },
    ...clients.map(({ expires }, i) => ({ path: ["clients", i, "expires"], day: expires })),
  ];
  return named.flatMap(({ path, day }) => (day === undefined ? [] : [{ path, day }]));
}
