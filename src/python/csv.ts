/**
 * The part of Python's `csv` module that RECORD files are read and written with
 * (PEP 376, PEP 627): the `excel` dialect.
 */

/** `list(csv.reader(lines))`: a quoted field may go on in the next line; its line end is lost. */
export function readCsv(lines: readonly string[]): string[][] {
  const rows: string[][] = [];
  const reader = { row: [] as string[], field: '', quoted: false };
  for (const line of lines) {
    if (!reader.quoted && !line.includes('"')) {
      rows.push(line === '' ? [] : line.split(','));
      continue;
    }
    readQuotedLine(line, reader);
    if (reader.quoted) continue;
    rows.push([...reader.row, reader.field]);
    reader.row = [];
    reader.field = '';
  }
  if (reader.quoted) rows.push([...reader.row, reader.field]);
  return rows;
}

function readQuotedLine(
  line: string,
  reader: { row: string[]; field: string; quoted: boolean },
): void {
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (reader.quoted) {
      if (character !== '"') {
        reader.field += character;
      } else if (line.charAt(at + 1) === '"') {
        reader.field += '"';
        at += 1;
      } else {
        reader.quoted = false;
      }
    } else if (character === ',') {
      reader.row.push(reader.field);
      reader.field = '';
    } else if (character === '"' && reader.field === '') {
      reader.quoted = true;
    } else {
      reader.field += character;
    }
  }
}

/** `csv.writer(file).writerows(rows)`: minimal quoting, CRLF. */
export function writeCsv(rows: readonly (readonly string[])[]): string {
  // A single empty field is quoted, for without it the row would have none.
  return rows
    .map((row) => `${row.length === 1 && row[0] === '' ? '""' : row.map(quote).join(',')}\r\n`)
    .join('');
}

function quote(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
