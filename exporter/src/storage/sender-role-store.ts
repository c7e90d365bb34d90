import type { Pool } from 'pg';
import { throwServiceError } from './database-errors.ts';

/** What the columns of a sender's records are for. */
type Roles = Readonly<Record<string, { readonly role: string; readonly type: string }>>;

/** Column roles that senders tell only now and then: kept in memory, and in the database before a record is acknowledged that rests on them. */
export class SenderRoleStore {
  private readonly pool: Pool;
  private known = new Map<string, Roles>();

  constructor(pool: Pool) {
    this.pool = pool;
  }

  get(sender: string): Roles | undefined {
    return this.known.get(sender);
  }

  /** Reads what other replicas learnt. Rejects with ServiceError unavailable. */
  async load(): Promise<void> {
    const { rows } = await this.pool
      .query<{ sender: string; roles: Roles }>('SELECT sender, roles FROM sender_roles')
      .catch(throwServiceError);
    this.known = new Map(rows.map(({ sender, roles }) => [sender, roles]));
  }

  async learn(told: ReadonlyMap<string, Roles>): Promise<void> {
    if (told.size === 0) return;
    const senders = [...told.keys()].sort();
    await this.pool
      .query(
        `INSERT INTO sender_roles (sender, roles) SELECT * FROM unnest($1::text[], $2::jsonb[])
         ON CONFLICT (sender) DO UPDATE SET roles = excluded.roles`,
        [senders, senders.map((sender) => JSON.stringify(told.get(sender)))],
      )
      .catch(throwServiceError);
    for (const [sender, roles] of told) this.known.set(sender, roles);
  }
}
