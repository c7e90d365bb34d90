/**
 * A value as Python prints it (repr of dict, list, tuple, str, numbers, True, False, None): what loggers write that never heard of
 * JSON. undefined when the text is anything else. nan and inf become null.
 */
export function parsePythonLiteral(text: string): unknown {
  try {
    const reader = new Reader(text);
    const value = reader.value(0);
    reader.end();
    return value;
  } catch {
    return undefined;
  }
}

const MAX_DEPTH = 50;
const WORDS: Readonly<Record<string, unknown>> = { None: null, True: true, False: false, nan: null, inf: null };
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

class Reader {
  private at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new Error('too deep');
    this.space();
    const first = this.text[this.at] ?? '';
    if (first === '{') return this.dict(depth);
    if (first === '[') return this.list(']', depth);
    if (first === '(') return this.list(')', depth);
    if (first === "'" || first === '"') return this.string(first);
    const word = /^-?[A-Za-z0-9_.+-]+/.exec(this.text.slice(this.at, this.at + 40))?.[0] ?? '';
    this.at += word.length;
    const bare = word.replace(/^-/, '');
    if (Object.hasOwn(WORDS, bare)) return WORDS[bare];
    const number = Number(word);
    if (word === '' || Number.isNaN(number)) throw new Error('no literal');
    return number;
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) throw new Error('more behind it');
  }

  private dict(depth: number): Record<string, unknown> {
    const dict: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    this.at++;
    while (!this.closes('}')) {
      const key = this.value(depth + 1);
      this.take(':');
      dict[String(key)] = this.value(depth + 1);
      this.separator('}');
    }
    return dict;
  }

  private list(close: string, depth: number): unknown[] {
    const list: unknown[] = [];
    this.at++;
    while (!this.closes(close)) {
      list.push(this.value(depth + 1));
      this.separator(close);
    }
    return list;
  }

  private string(quote: string): string {
    let text = '';
    for (this.at++; this.at < this.text.length; this.at++) {
      const character = this.text[this.at]!;
      if (character === quote) {
        this.at++;
        return text;
      }
      text += character === '\\' ? this.escape() : character;
    }
    throw new Error('no end');
  }

  private escape(): string {
    const kind = this.text[++this.at] ?? '';
    const digits = { x: 2, u: 4, U: 8 }[kind];
    if (digits === undefined) return ESCAPES[kind] ?? `\\${kind}`;
    const hex = this.text.slice(this.at + 1, this.at + 1 + digits);
    this.at += digits;
    return String.fromCodePoint(Number.parseInt(hex, 16));
  }

  private separator(close: string): void {
    this.space();
    if (this.text[this.at] !== close) this.take(',');
  }

  private closes(close: string): boolean {
    this.space();
    if (this.text[this.at] !== close) return false;
    this.at++;
    return true;
  }

  private take(wanted: string): void {
    this.space();
    if (this.text[this.at++] !== wanted) throw new Error(`no ${wanted}`);
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }
}
