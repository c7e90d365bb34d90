import { styleText } from 'node:util';

const WIDTH = 30;

/** A bar that is drawn over itself on a terminal; elsewhere a line for every tenth. */
export class ProgressBar {
  private readonly title: string;
  private readonly stream: NodeJS.WriteStream;
  private lastTenth = -1;

  constructor(title: string, stream: NodeJS.WriteStream = process.stdout) {
    this.title = title;
    this.stream = stream;
  }

  /** @param share 0..1 */
  show(share: number, note = ''): void {
    const percent = `${Math.floor(100 * share)
      .toString()
      .padStart(3)} %`;
    if (this.stream.isTTY) {
      const filled = Math.round(WIDTH * share);
      const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
      const line = `${this.title.padEnd(22)} ${bar} ${percent}  ${note}`;
      this.stream.write(`\r${line.slice(0, this.stream.columns - 1)}\x1b[K`);
      return;
    }
    const tenth = Math.floor(10 * share);
    if (tenth === this.lastTenth) return;
    this.lastTenth = tenth;
    this.stream.write(`${this.title.padEnd(22)} ${percent}  ${note}\n`);
  }

  end(note = ''): void {
    this.show(1, note);
    if (this.stream.isTTY) this.stream.write('\n');
  }
}

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

export function styled(style: Style, text: string): string {
  return process.stdout.isTTY ? styleText(style, text) : text;
}

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

/** Columns as wide as their widest cell, numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const widths = header.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c]?.text.length ?? 0)));
  const line = (cells: readonly Cell[]) =>
    cells
      .map(({ text, style }, c) => {
        const padded = c === 0 ? text.padEnd(widths[c]!) : text.padStart(widths[c]!);
        return style === undefined ? padded : styled(style, padded);
      })
      .join('  ');
  return [line(header.map((text) => ({ text, style: 'bold' as const }))), ...rows.map(line)].join('\n');
}
