import type { Flights } from './dataset.ts';

export const HOUR_MS = 3_600_000;
export const WEEK_MS = 7 * 24 * HOUR_MS;
/** Monday, the first day of the data. */
export const FIRST_DAY_MS = Date.UTC(2001, 0, 1);
/** The question is asked an hour before the scheduled departure. */
const LEAD_MS = 60 * 60_000;
/** What both models foretell: more than this many minutes late. */
const LATE_MINUTES = 15;
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
/** Flights at the overall rate that a rate of few flights starts from. */
const PRIOR_FLIGHTS = 50;

/** One flight as a model sees it, and as it is sent to the monitor. */
export type FeatureRow = Record<string, number | string>;

export interface FeatureSet {
  readonly name: 'calendar' | 'lagged';
  /** For the trainer: numbers by column, then by the given flights. */
  columns(flights: readonly number[]): Float64Array[];
  /** For the monitor: with names, and categories as text. */
  row(flight: number): FeatureRow;
}

export const isLate = (flights: Flights, flight: number) => flights.delayMinutes[flight]! > LATE_MINUTES;
export const askedAtMs = (flights: Flights, flight: number) => flights.departureMs[flight]! - LEAD_MS;
/** When the plane has left, everybody knows; an early one at its scheduled time. */
export const knownAtMs = (flights: Flights, flight: number) =>
  flights.departureMs[flight]! + Math.max(0, flights.delayMinutes[flight]!) * 60_000;
export const weekOf = (flights: Flights, flight: number) =>
  Math.floor((askedAtMs(flights, flight) - FIRST_DAY_MS) / WEEK_MS);

/** Hour, weekday, airports, distance: nothing that knows how this spring differs from this winter. */
export function calendarFeatures(flights: Flights, training: readonly number[]): FeatureSet {
  const rateAt = [flights.origin, flights.destination].map((airport) => lateRates(flights, airport, training));
  const hourOf = (flight: number) => (flights.departureMs[flight]! / HOUR_MS) % 24;
  const weekdayOf = (flight: number) => Math.floor((flights.departureMs[flight]! - FIRST_DAY_MS) / (24 * HOUR_MS)) % 7;
  const [originRate, destinationRate] = rateAt as [Float64Array, Float64Array];
  return {
    name: 'calendar',
    columns: (rows) =>
      [
        hourOf,
        weekdayOf,
        (flight: number) => flights.distanceMiles[flight]!,
        (flight: number) => originRate[flights.origin[flight]!]!,
        (flight: number) => destinationRate[flights.destination[flight]!]!,
      ].map((read) => Float64Array.from(rows, read)),
    row: (flight) => ({
      hour: Math.round(hourOf(flight) * 100) / 100,
      weekday: WEEKDAYS[weekdayOf(flight)]!,
      distance: flights.distanceMiles[flight]!,
      origin: flights.airports[flights.origin[flight]!]!,
      destination: flights.airports[flights.destination[flight]!]!,
    }),
  };
}

/** Share of late flights by airport, drawn to the overall share where there are few. */
function lateRates(flights: Flights, airport: Uint16Array, rows: readonly number[]): Float64Array {
  const late = new Float64Array(flights.airports.length);
  const all = new Float64Array(flights.airports.length);
  let lateInAll = 0;
  for (const flight of rows) {
    all[airport[flight]!]! += 1;
    if (!isLate(flights, flight)) continue;
    late[airport[flight]!]! += 1;
    lateInAll++;
  }
  const overall = lateInAll / rows.length;
  return late.map((count, code) => (count + PRIOR_FLIGHTS * overall) / (all[code]! + PRIOR_FLIGHTS));
}

const LAGGED = [
  { name: 'origin_late_2h', of: 'origin', halfLifeHours: 2 },
  { name: 'origin_late_24h', of: 'origin', halfLifeHours: 24 },
  { name: 'destination_late_2h', of: 'destination', halfLifeHours: 2 },
  { name: 'network_late_2h', of: null, halfLifeHours: 2 },
  { name: 'network_late_24h', of: null, halfLifeHours: 24 },
] as const;

/** How late the flights were that left lately, as far as it was known when the question was asked. */
export function laggedFeatures(flights: Flights, overallRate: number): FeatureSet {
  const n = flights.departureMs.length;
  const columns = LAGGED.map(() => new Float32Array(n));
  const rates = LAGGED.map(
    ({ of, halfLifeHours }) => new DecayingRates(of === null ? 1 : flights.airports.length, halfLifeHours, overallRate),
  );
  const place = LAGGED.map(({ of }) => (of === null ? () => 0 : (flight: number) => flights[of][flight]!));
  const known = byKnownTime(flights);
  let next = 0;
  for (let flight = 0; flight < n; flight++) {
    const now = askedAtMs(flights, flight);
    for (; next < n && knownAtMs(flights, known[next]!) <= now; next++)
      rates.forEach((rate, c) =>
        rate.add(place[c]!(known[next]!), knownAtMs(flights, known[next]!), isLate(flights, known[next]!)),
      );
    rates.forEach((rate, c) => (columns[c]![flight] = rate.at(place[c]!(flight), now)));
  }
  const hourOf = (flight: number) => (flights.departureMs[flight]! / HOUR_MS) % 24;
  return {
    name: 'lagged',
    columns: (rows) => [
      Float64Array.from(rows, hourOf),
      ...columns.map((column) => Float64Array.from(rows, (flight) => column[flight]!)),
    ],
    row: (flight) => ({
      hour: Math.round(hourOf(flight) * 100) / 100,
      ...Object.fromEntries(LAGGED.map(({ name }, c) => [name, Math.round(columns[c]![flight]! * 1e4) / 1e4])),
    }),
  };
}

/** Late share of flights that lose half their weight every half-life. */
class DecayingRates {
  private readonly late: Float64Array;
  private readonly all: Float64Array;
  private readonly sinceMs: Float64Array;
  private readonly perMs: number;
  private readonly start: number;
  private static readonly PRIOR = 5;

  constructor(places: number, halfLifeHours: number, start: number) {
    this.late = new Float64Array(places);
    this.all = new Float64Array(places);
    this.sinceMs = new Float64Array(places);
    this.perMs = Math.LN2 / (halfLifeHours * HOUR_MS);
    this.start = start;
  }

  add(place: number, atMs: number, late: boolean): void {
    const kept = this.weight(place, atMs);
    this.late[place] = this.late[place]! * kept + Number(late);
    this.all[place] = this.all[place]! * kept + 1;
    this.sinceMs[place] = atMs;
  }

  at(place: number, atMs: number): number {
    const kept = this.weight(place, atMs);
    const { PRIOR } = DecayingRates;
    return (this.late[place]! * kept + PRIOR * this.start) / (this.all[place]! * kept + PRIOR);
  }

  private weight(place: number, atMs: number): number {
    return Math.exp(-this.perMs * Math.max(0, atMs - this.sinceMs[place]!));
  }
}

/** Flights in the order in which their departure is known. Counted into minutes: the data has no finer times. */
export function byKnownTime(flights: Flights): Uint32Array {
  const n = flights.departureMs.length;
  const minuteOf = (flight: number) => Math.round((knownAtMs(flights, flight) - FIRST_DAY_MS) / 60_000);
  let last = 0;
  for (let flight = 0; flight < n; flight++) last = Math.max(last, minuteOf(flight));
  const start = new Uint32Array(last + 2);
  for (let flight = 0; flight < n; flight++) start[minuteOf(flight) + 1]! += 1;
  for (let minute = 0; minute <= last; minute++) start[minute + 1]! += start[minute]!;
  const order = new Uint32Array(n);
  for (let flight = 0; flight < n; flight++) order[start[minuteOf(flight)]!++] = flight;
  return order;
}
