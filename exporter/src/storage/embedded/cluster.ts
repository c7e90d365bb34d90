import path from 'node:path';
import type { BoundedLog } from './bounded-log.ts';
import type { RunAs } from './unprivileged.ts';

/** Superuser and database of the embedded PostgreSQL. Who may open the socket (mode 0700) is let in without a password. */
export const clusterUser = 'model_health';
export const clusterDatabase = 'model_health';

/** Everything that is settled about one embedded PostgreSQL before it is started. */
export interface Cluster {
  readonly dataPath: string;
  /** `<dataPath>/pgdata`, the data directory of PostgreSQL. */
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  /** Folder of `postgres` and `initdb`. */
  readonly binDir: string;
  /** '18.4' */
  readonly version: string;
  readonly runAs: RunAs;
  readonly env: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: BoundedLog;
  readonly logFile: string;
}

export function dataDirectoryOf(dataPath: string): string {
  return path.join(dataPath, 'pgdata');
}

/** `database` of the cluster, for pg as well as for libpq. */
export function clusterUrl(socketDirectory: string, database: string = clusterDatabase): string {
  return `postgresql://${clusterUser}@localhost/${database}?host=${encodeURIComponent(socketDirectory)}&port=5432`;
}

/**
 * For one service with short transactions on the machine it shares; 15 and later know all of them. No JIT: compiling costs more than
 * it saves on our statements. A large max_wal_size spreads checkpoints under load. synchronous_commit stays on: an acknowledged
 * prediction is on disk.
 */
export const defaultSettings: Readonly<Record<string, string>> = {
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  min_wal_size: '160MB',
  checkpoint_timeout: '15min',
  synchronous_commit: 'on',
  jit: 'off',
  max_connections: '100',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  autovacuum_naptime: '20s',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] ',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
};
