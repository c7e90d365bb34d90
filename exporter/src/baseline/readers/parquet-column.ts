import type { ColumnMetaData, DecodedArray, PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import type { TemporaryFile } from '../temporary-file.ts';
import { invalid, pageSize, readDictionary, readValues } from './parquet-page.ts';
import type { CellValues, ColumnDecoder, PageSize } from './parquet-page.ts';

/** Page headers are tens of bytes, and hold the page's extremes where the writer puts them there. */
const HEADER_BYTES = 4_096;
const MAX_HEADER_BYTES = 1_048_576;
/** Of a value in an array, and of its definition level while it is decoded. */
const BYTES_A_VALUE = 8;
/** Nothing else happens in this process while a page is read: writers make pages of about 1 MiB. */
const MAX_PAGE_BYTES = 64 * 1_048_576;

/** Memory that all columns of a row group share. */
export class PageBudget {
  private used = 0;
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  take(bytes: number): void {
    this.used += bytes;
    if (this.used > this.limit)
      throw invalid(
        `the pages of one row group take more than ${Math.floor(this.limit / 1_048_576)} MiB; write it with smaller row groups`,
      );
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }
}

/** One column of a row group, page by page. Throws ServiceError invalid for what it finds wrong, and what the library throws. */
export class ParquetColumn {
  private readonly file: TemporaryFile;
  private readonly decoder: ColumnDecoder;
  private readonly budget: PageBudget;
  private readonly end: number;
  private at: number;
  private dictionary: DecodedArray | undefined;
  private held = 0;
  private values: CellValues = [];
  /** Of the present page, the next value to be handed out. */
  private next = 0;

  /** @param end of all column chunks in the file */
  constructor(file: TemporaryFile, chunk: ColumnMetaData, decoder: ColumnDecoder, budget: PageBudget, end: number) {
    this.file = file;
    this.decoder = decoder;
    this.budget = budget;
    const data = Number(chunk.data_page_offset);
    const dictionary = Number(chunk.dictionary_page_offset ?? 0);
    this.at = dictionary > 0 && dictionary < data ? dictionary : data;
    this.end = this.at + Number(chunk.total_compressed_size);
    if (!(this.at >= 4 && this.end >= this.at && this.end <= end)) throw invalid('a column lies outside the file');
  }

  /** Rows that can be taken without reading on. */
  get available(): number {
    return this.values.length - this.next;
  }

  take(): unknown {
    return this.values[this.next++];
  }

  /** Where none is available: reads on, to where perhaps some are. @param most rows that the column may still have */
  readPage(most: number): void {
    this.budget.giveBack(this.held);
    this.values = [];
    this.next = this.held = 0;
    const { header, size } = this.readHeader();
    if (size !== null) {
      if (size.values > most) throw invalid('a column has more values than its row group has rows');
      const bytes = 2 * size.bytes + BYTES_A_VALUE * size.values;
      if (Math.max(bytes, size.compressedBytes) > MAX_PAGE_BYTES)
        throw invalid(`a page takes more than ${MAX_PAGE_BYTES / 1_048_576} MiB; write it with smaller pages`);
      this.budget.take(bytes);
      const page = this.file.read(this.at, size.compressedBytes);
      if (header.dictionary_page_header !== undefined) {
        // Stays until the end of the column.
        this.dictionary = readDictionary(page, header, this.decoder);
      } else {
        this.held = bytes;
        this.values = readValues(page, header, this.dictionary, this.decoder);
        if (this.values.length !== size.values) throw invalid('a page has fewer values than its header says');
      }
    }
    this.at += header.compressed_page_size;
  }

  /** Leaves `at` behind the header. */
  private readHeader(): { readonly header: PageHeader; readonly size: PageSize | null } {
    for (let length = HEADER_BYTES; ; length *= 16) {
      const left = this.end - this.at;
      if (left <= 0) throw invalid('a column has fewer values than its row group has rows');
      const bytes = this.file.read(this.at, Math.min(length, left));
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
      let header: PageHeader;
      try {
        header = parquetHeader(reader);
      } catch (error) {
        if (length >= left || length >= MAX_HEADER_BYTES) throw error;
        continue;
      }
      const size = pageSize(header);
      this.at += reader.offset;
      if (header.compressed_page_size > this.end - this.at) throw invalid('a page goes on beyond its column');
      return { header, size };
    }
  }
}
