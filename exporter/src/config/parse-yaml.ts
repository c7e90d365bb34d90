import { Composer, CST, Lexer, Parser, YAMLParseError } from 'yaml';
import type { Document, LineCounter } from 'yaml';

/** The text nests deeper than any configuration needs to. */
export class TooDeepError extends Error {
  readonly code = 'TOO_DEEP';
}

/**
 * Levels of indentation and brackets. The library composes and visits documents recursively, and a stack that overflows inside of its
 * regular expressions ends the process (V8: "RegExpCompiler Allocation failed") where one would expect an exception: deep text must not
 * get that far.
 */
const MAX_DEPTH = 200;

/**
 * Parses one YAML document (1.2, core schema); its `errors` and `warnings` say what is wrong with the text, a second document included.
 * Throws TooDeepError. Duplicate keys are not looked for: the library's own search is quadratic.
 */
export function parseYaml(text: string, lines: LineCounter): Document {
  const composer = new Composer({ uniqueKeys: false, logLevel: 'silent' });
  const [document, second] = composer.compose(tokensOf(text, lines), true, text.length);
  if (document === undefined) throw new Error('the composer always gives a document when it is asked to');
  if (second !== undefined)
    document.errors.push(
      new YAMLParseError([second.range[0], second.range[1]], 'MULTIPLE_DOCS', 'there must be only one document'),
    );
  return document;
}

function* tokensOf(text: string, lines: LineCounter): Generator<CST.Token, void> {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  for (const lexeme of boundedLexemes(text)) yield* parser.next(lexeme);
  yield* parser.end();
}

/**
 * The lexemes of `text` while they cannot nest deeper than about 2 x MAX_DEPTH: open brackets, and for the line at hand its indentation
 * and its block indicators (`- - -` opens three lists), which bound the depth of blocks.
 */
function* boundedLexemes(text: string): Generator<string, void> {
  let brackets = 0;
  let line = 0;
  let atLineStart = true;
  let isScalarText = false;
  for (const lexeme of new Lexer().lex(text)) {
    // A scalar is announced by a lexeme of its own, and may look like anything.
    const type: CST.TokenType | null = isScalarText ? 'scalar' : CST.tokenType(lexeme);
    isScalarText = !isScalarText && type === 'scalar';
    if (type === 'newline') line = 0;
    else if (type === 'space') line += atLineStart ? lexeme.length : 0;
    else if (type === 'flow-map-start' || type === 'flow-seq-start') brackets += 1;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') brackets = Math.max(0, brackets - 1);
    else if (brackets === 0 && (type === 'seq-item-ind' || type === 'map-value-ind' || type === 'explicit-key-ind'))
      line += 1;
    if (type !== 'space' && type !== 'comment' && brackets + line > MAX_DEPTH) throw new TooDeepError();
    atLineStart = type === 'newline';
    yield lexeme;
  }
}
