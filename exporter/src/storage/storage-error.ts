/** Every code that storage itself throws; an error of PostgreSQL keeps its own five-character SQLSTATE. */
export type StorageErrorCode =
  | 'DATABASE_URL_INVALID'
  | 'DATA_PATH_IN_USE'
  | 'DATA_PATH_NOT_WRITABLE'
  | 'DATA_DIRECTORY_INVALID'
  | 'DATA_DIRECTORY_VERSION'
  | 'DISK_FULL'
  | 'POSTGRES_NOT_FOUND'
  | 'POSTGRES_ROOT_REFUSED'
  | 'POSTGRES_INITDB_FAILED'
  | 'POSTGRES_START_FAILED'
  | 'SOCKET_PATH_UNUSABLE'
  | 'TRANSACTION_ROLLED_BACK'
  | 'MIGRATION_FOLDER_INVALID'
  | 'MIGRATION_CHANGED'
  | 'MIGRATION_OUT_OF_ORDER'
  | 'MIGRATION_DATABASE_NEWER'
  | 'MIGRATION_FAILED'
  | 'PARTITION_BUSY'
  | 'EXPORT_SCHEMA'
  | 'IMPORT_FILE'
  | 'IMPORT_NEWER'
  | 'IMPORT_SCHEMA'
  | 'IMPORT_NOT_EMPTY';

/** A failure of storage that a person can act on: the message says what happened and what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly code: StorageErrorCode;

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** The `code` of a system or PostgreSQL error ('ENOENT', '40P01'), undefined where there is none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
