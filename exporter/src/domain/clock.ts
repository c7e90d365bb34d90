/** The only source of "now" below app and http. Epoch milliseconds, UTC. May be virtual (demo, tests); leases never use it. */
export interface Clock {
  now(): number;
}
