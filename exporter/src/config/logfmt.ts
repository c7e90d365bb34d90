/**
 * One line of logfmt (https://brandur.org/logfmt, quoted as go-logfmt does), without its line end. Nested fields become dotted keys
 * (`err.code`), lists become JSON. Whatever the keys and values are, the result is a single line that splits back into them.
 * @example encodeLogfmt({ level: 'info', msg: 'listening on', port: 9477 }) // level=info msg="listening on" port=9477
 */
export function encodeLogfmt(fields: Readonly<Record<string, unknown>>): string {
  const pairs: string[] = [];
  append(pairs, '', fields);
  return pairs.join(' ');
}

function append(pairs: string[], prefix: string, fields: object): void {
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    const key = prefix + encodeKey(name);
    if (value === undefined) continue;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) append(pairs, `${key}.`, value);
    else pairs.push(`${key}=${encodeValue(typeof value === 'string' ? value : JSON.stringify(value))}`);
  }
}

/** Keys cannot be quoted: what would end one becomes an underscore. */
function encodeKey(name: string): string {
  return name === '' ? '_' : name.replaceAll(/[\s="\p{C}\p{Z}]/gu, '_');
}

function encodeValue(text: string): string {
  // Control characters, separators (U+2028 ends a line for some readers) and halves of surrogate pairs are escaped as JSON would.
  if (text !== '' && !/[\s="\\\p{C}\p{Z}]/u.test(text)) return text;
  return `"${text.replaceAll(/["\\\p{C}\p{Zl}\p{Zp}]/gu, escape)}"`;
}

function escape(character: string): string {
  switch (character) {
    case '"':
      return '\\"';
    case '\\':
      return '\\\\';
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default:
      return Array.from(
        { length: character.length },
        (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
      ).join('');
  }
}
