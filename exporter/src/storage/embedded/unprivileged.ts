import { chownSync, lchownSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from './run-command.ts';

/** How a program of PostgreSQL, which refuses to run as root, is started. */
export interface RunAs {
  readonly kind: 'self' | 'setuid' | 'userns';
  /** For the log: 'as uid 1000', 'as postgres', 'in a user namespace'. */
  readonly description: string;
  /** Owner that its files must have; undefined when they are ours anyway. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly spawnIds: { readonly uid?: number; readonly gid?: number };
  wrap(file: string, args: readonly string[]): readonly [file: string, args: readonly string[]];
}

/** 'auto', or one of the ways only (tests take each in turn). */
export type RunAsChoice = 'auto' | 'setuid' | 'userns';

/**
 * The ways to try, in order. Not root: as ourselves. Root: as whom the data belong to already, `postgres`, `nobody`; else in a user
 * namespace, in which root itself is the ordinary user 65534, so that also files below a directory closed to all but root can be used.
 *
 * initdb wants a name for its user. A container may run as a number that has none: in a namespace that is `nobody` as well.
 */
export function waysToRun(dataPath: string, dataDirectory: string, choice: RunAsChoice): readonly RunAs[] {
  if (process.getuid?.() !== 0) return [asSelf(), inUserNamespace(undefined)];
  const namespace = choice === 'setuid' ? [] : [inUserNamespace(root)];
  if (choice === 'userns') return namespace;
  const owners = [dataDirectory, dataPath].flatMap((folder) => ownerOf(folder)).filter(({ uid }) => uid !== 0);
  // Data of root can only be ours from a namespace: keep to it, rather than hand the data from one owner to the other and back.
  const fromNamespace = ownerOf(path.join(dataDirectory, 'PG_VERSION'))[0]?.uid === 0;
  const accounts = [...owners, ...systemAccounts(['postgres', 'nobody'])].map(asAccount);
  return [
    ...(fromNamespace ? [...namespace, ...accounts] : [...accounts, ...namespace]),
    ...owners.map(inUserNamespace),
  ];
}

/** Tries `postgres --version` that way, with a look at the data path; the version, or why it does not work. */
export async function tryToRun(
  runAs: RunAs,
  postgres: string,
  dataPath: string,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly ok: true; readonly version: string } | { readonly ok: false; readonly reason: string }> {
  const [file, args] = runAs.wrap('/bin/sh', [
    '-c',
    'cd "$1" && id -un >&2 && exec "$2" --version',
    'sh',
    dataPath,
    postgres,
  ]);
  const result = await runCommand(file, args, { env, ...runAs.spawnIds, timeoutMs: 10_000 });
  // "postgres (PostgreSQL) 18.4", "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)", "postgres (PostgreSQL) 19beta1"
  const version = /\(PostgreSQL\) (\d+\S*)/.exec(result.stdout)?.[1];
  if (result.status === 0 && version !== undefined) return { ok: true, version };
  return {
    ok: false,
    reason: `${postgres} ${runAs.description}: ${result.stderr.trim() || `exit status ${result.status}`}`,
  };
}

/** Gives a folder and all in it to the account, where another owns it (root only; links are not followed). */
export function handOver(folder: string, runAs: RunAs): void {
  const { owner } = runAs;
  if (owner === undefined || lstatSync(folder).uid === owner.uid) return;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    lchownSync(path.join(entry.parentPath, entry.name), owner.uid, owner.gid);
  }
  // Last, for it is what the next attempt looks at.
  chownSync(folder, owner.uid, owner.gid);
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const root: Account = { name: 'root', uid: 0, gid: 0 };

function asSelf(): RunAs {
  return {
    kind: 'self',
    description: `as uid ${process.getuid?.() ?? '?'}`,
    owner: undefined,
    spawnIds: {},
    wrap: (file, args) => [file, args],
  };
}

/** libuv drops the supplementary groups as well. */
function asAccount({ name, uid, gid }: Account): RunAs {
  return {
    kind: 'setuid',
    description: `as ${name}`,
    owner: { uid, gid },
    spawnIds: { uid, gid },
    wrap: (file, args) => [file, args],
  };
}

/**
 * As 65534 inside and the account (us, if undefined) outside, which stays the owner of the files. unshare(1) replaces itself by the
 * program, so the pid stays that of the child.
 */
function inUserNamespace(account: Account | undefined): RunAs {
  const owner = account === undefined ? undefined : { uid: account.uid, gid: account.gid };
  return {
    kind: 'userns',
    description: `in a user namespace of ${account?.name ?? `uid ${process.getuid?.() ?? '?'}`}`,
    owner,
    spawnIds: owner === undefined || owner.uid === 0 ? {} : owner,
    wrap: (file, args) => ['unshare', ['--user', '--map-user=65534', '--map-group=65534', '--', file, ...args]],
  };
}

function ownerOf(folder: string): readonly Account[] {
  try {
    const { uid, gid } = lstatSync(folder);
    return [{ name: `uid ${uid}`, uid, gid }];
  } catch {
    return [];
  }
}

/** From /etc/passwd, in the order of `names`. macOS has -2 for nobody there. */
function systemAccounts(names: readonly string[]): readonly Account[] {
  return names.flatMap((name) => {
    const fields = readPasswd()
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':');
    return fields === undefined ? [] : [{ name, uid: Number(fields[2]) >>> 0, gid: Number(fields[3]) >>> 0 }];
  });
}

function readPasswd(): readonly string[] {
  try {
    return readFileSync('/etc/passwd', 'utf8').split('\n');
  } catch {
    return [];
  }
}
