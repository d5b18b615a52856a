/** Why the cells of a line cannot be read: a quote is never closed, or text follows the closing quote. */
export type QuoteError = { kind: "unclosed"; line: number } | { kind: "text"; begin: number; end: number };

/** A record of the file, or a line that belongs to no readable record. */
export interface TextRecord {
  /** The line on which the record begins, from 1. */
  line: number;
  /** The position of the record in the text, with its line ending. */
  start: number;
  end: number;
  cells: string[] | null;
  error: QuoteError | null;
}

interface Cell {
  text: string;
  end: number;
  last: boolean;
}

/** A part of the text that cannot be read. */
class Unreadable {
  constructor(
    readonly until: number,
    readonly error: QuoteError,
  ) {}
}

/**
 * Reads the records of a CSV text by the rules of the API (`shared/src/import/records.rs`), so that a
 * file is cut where the API ends a row. Lines without a visible character are skipped. If a quote
 * makes a record unreadable, each of its lines is returned with the error, and reading continues on
 * the next line.
 */
export class Records implements Iterable<TextRecord> {
  #at: number;
  #line: number;

  constructor(
    private readonly text: string,
    private readonly delimiter: string,
    at = 0,
    line = 1,
  ) {
    this.#at = at;
    this.#line = line;
  }

  /** The position of the next record, and its line. */
  get position(): { at: number; line: number } {
    return { at: this.#at, line: this.#line };
  }

  *[Symbol.iterator](): Generator<TextRecord, void> {
    let unreadable: Unreadable | null = null;
    while (this.#at < this.text.length) {
      const end = this.#nextLine(this.#at);
      if (this.text.slice(this.#at, end).trim() === "") {
        this.#take(end, null, null);
      } else if (unreadable && this.#at < unreadable.until) {
        yield this.#take(end, null, unreadable.error);
      } else {
        const read = this.#record();
        unreadable = read instanceof Unreadable ? read : null;
        if (!(read instanceof Unreadable)) yield this.#take(read.end, read.cells, null);
      }
    }
  }

  /** Returns the text up to `end` as a record, and moves after it. */
  #take(end: number, cells: string[] | null, error: QuoteError | null): TextRecord {
    const record = { line: this.#line, start: this.#at, end, cells, error };
    this.#line += this.#lines(this.#at, end);
    this.#at = end;
    return record;
  }

  /** The position after the line ending at `at`; null if there is none. */
  #lineEnd(at: number): number | null {
    if (this.text.startsWith("\r\n", at)) return at + 2;
    return this.text[at] === "\r" || this.text[at] === "\n" ? at + 1 : null;
  }

  #find(pattern: RegExp, from: number): number {
    pattern.lastIndex = from;
    return pattern.exec(this.text)?.index ?? this.text.length;
  }

  #nextLine(at: number): number {
    const end = this.#find(/[\r\n]/g, at);
    return this.#lineEnd(end) ?? this.text.length;
  }

  #lines(start: number, end: number): number {
    let lines = 0;
    for (let at = start; at < end; at = this.#nextLine(at)) lines += 1;
    return lines;
  }

  #record(): { cells: string[]; end: number } | Unreadable {
    const cells: string[] = [];
    for (let at = this.#at; ; ) {
      const cell = this.#cell(at);
      if (cell instanceof Unreadable) return cell;
      cells.push(cell.text);
      at = cell.end;
      if (cell.last) return { cells, end: at };
    }
  }

  #cell(at: number): Cell | Unreadable {
    // Some programs write a space between the delimiter and the quote.
    const first = this.#find(/[^ ]/g, at);
    if (this.text[first] === '"') return this.#quoted(first + 1);
    let end = at;
    while (end < this.text.length && !this.#endsCell(end)) end += 1;
    return this.#cellEnd(this.text.slice(at, end), end);
  }

  #endsCell(at: number): boolean {
    const char = this.text[at];
    return char === undefined || char === this.delimiter || char === "\r" || char === "\n";
  }

  /** Reads a cell whose text in quotes begins at `start`. */
  #quoted(start: number): Cell | Unreadable {
    const begin = () => this.#line + this.#lines(this.#at, start) - 1;
    let close = this.text.indexOf('"', start);
    while (close >= 0 && this.text[close + 1] === '"') close = this.text.indexOf('"', close + 2);
    if (close < 0) return new Unreadable(this.text.length, { kind: "unclosed", line: begin() });
    const end = this.#find(/[^ ]/g, close + 1);
    if (this.#endsCell(end)) return this.#cellEnd(this.text.slice(start, close).replaceAll('""', '"'), end);
    const last = this.#line + this.#lines(this.#at, close + 1) - 1;
    return new Unreadable(this.#nextLine(end), { kind: "text", begin: begin(), end: last });
  }

  /** A cell whose text ends at `at`, where a delimiter, a line or the text ends. */
  #cellEnd(text: string, at: number): Cell {
    const next = this.#lineEnd(at);
    if (next !== null) return { text, end: next, last: true };
    return at >= this.text.length ? { text, end: at, last: true } : { text, end: at + 1, last: false };
  }
}
