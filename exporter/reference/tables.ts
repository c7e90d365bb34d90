/** What the code knows of one row of a table: its name, and the cells between that and the words, null where the document knows better. */
export interface Fact {
  readonly name: string;
  readonly cells: readonly (string | null)[];
  /** Until somebody writes better ones. */
  readonly words: string;
}

interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

/**
 * The tables of a document whose first column is headed `head`, made anew: which rows there are, their order and their facts come from the
 * code, the words at the end of each row stay as they are written. A new row goes behind the one before it in the code. Cells are written
 * without padding: prettier does that.
 *
 * @param stays names in the document that the code does not list
 */
export function rewriteTables(
  document: string,
  head: string,
  facts: readonly Fact[],
  stays: (name: string) => boolean = () => false,
): string {
  const tables = document.match(tablesOf(head)) ?? [];
  const rowsOf = tables.map((table) => readRows(table));
  const placed = new Map<string, number>();
  rowsOf.forEach((rows, table) => {
    for (const { name } of rows) placed.set(name, table);
  });
  let table = 0;
  const homes = facts.map((fact) => ({ fact, home: (table = placed.get(fact.name) ?? table) }));
  let next = 0;
  return document.replace(tablesOf(head), (whole) => {
    const at = next++;
    const known = new Map(rowsOf[at]!.map((row) => [row.name, row]));
    const own = homes.filter(({ home }) => home === at).map(({ fact }) => toLine(fact, known.get(fact.name)));
    const names = new Set(facts.map(({ name }) => name));
    const others = rowsOf[at]!.filter(({ name }) => !names.has(name) && stays(name)).map(({ cells }) => lineOf(cells));
    const [header = '', ruler = ''] = whole.split('\n');
    return [header, ruler, ...own, ...others, ''].join('\n');
  });
}

/** A document as it is compared: how wide a column is drawn says nothing, and neither do the ends of lines. */
export function asCompared(document: string): string {
  return document
    .replaceAll(/^\|.*$/gm, (line) => line.replaceAll(/-{3,}/g, '---'))
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function tablesOf(head: string): RegExp {
  return new RegExp(`^\\| ${head} +\\|.*\\n\\|[ :|-]+\\|\\n(?:\\|.*\\n)*`, 'gm');
}

function readRows(table: string): readonly Row[] {
  return table
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((line) => {
      const cells = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim());
      return { name: cells[0]!.replaceAll('`', ''), cells };
    });
}

function toLine({ name, cells, words }: Fact, row: Row | undefined): string {
  const between = cells.map((cell, i) => cell ?? row?.cells[i + 1] ?? '');
  return lineOf([`\`${name}\``, ...between, row?.cells.at(-1) ?? words]);
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
