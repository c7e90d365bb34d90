import type { Field } from './fields.ts';

/** Never repeats the value in its message, since that may hold the password it refuses. */
export const URL_WITHOUT_SECRET: Field<string> = {
  keys: [],
  read: (cursor) => {
    const value = cursor.scalar()?.value;
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) return cursor.fail('must be an http or https URL');
    if (url.username !== '' || url.password !== '') return cursor.fail('must not hold a user or password');
    return value as string;
  },
  print: (value) => value,
};
