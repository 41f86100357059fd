import { crc32, deflateRawSync } from 'node:zlib';

/** A zip written field by field, so that each of them can be made to lie. */
export interface ZipPart {
  readonly name: string | Buffer;
  readonly content?: string | Buffer;
  /** What the headers say of it, where that is not so. */
  readonly size?: number;
  readonly method?: number;
  /** With the type of the file in it. */
  readonly mode?: number;
  /** 8: the sizes follow the data; 1: encrypted. */
  readonly flags?: number;
  /** Extra fields of the local header, and of the directory's record. */
  readonly localExtra?: Buffer;
  readonly centralExtra?: Buffer;
  /** Change a header that is complete. */
  readonly editLocal?: (header: Buffer) => void;
  readonly editCentral?: (record: Buffer) => void;
  /** Bytes after the data that no directory knows. */
  readonly after?: Buffer;
  /** Is there, but not in the directory. */
  readonly hidden?: boolean;
  /** The offset of another local header. */
  readonly offset?: number;
}

export interface ZipOptions {
  readonly before?: Buffer;
  readonly after?: Buffer;
  /** With a length of its own, the end record comes before it. */
  readonly comment?: Buffer;
  readonly editEnd?: (record: Buffer) => void;
  /** Stands between the directory and the end record. */
  readonly beforeEnd?: (directory: Placed) => Buffer;
}

/** Where the directory lies. */
export interface Placed {
  readonly offset: number;
  readonly bytes: number;
  readonly count: number;
}

export function zipBytes(parts: readonly ZipPart[], options: ZipOptions = {}): Buffer {
  const pieces = [options.before ?? Buffer.alloc(0)];
  const records: Buffer[] = [];
  let at = pieces[0]?.length ?? 0;
  for (const part of parts) {
    const { local, central, data } = written(part, part.offset ?? at);
    const whole = Buffer.concat([local, data, part.after ?? Buffer.alloc(0)]);
    pieces.push(whole);
    at += whole.length;
    if (!part.hidden) records.push(central);
  }
  const directory = Buffer.concat(records);
  const placed = { offset: at, bytes: directory.length, count: records.length };
  const comment = options.comment ?? Buffer.alloc(0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(comment.length, 20);
  options.editEnd?.(end);
  const beforeEnd = options.beforeEnd?.(placed) ?? Buffer.alloc(0);
  const after = options.after ?? Buffer.alloc(0);
  return Buffer.concat([...pieces, directory, beforeEnd, end, comment, after]);
}

function written(part: ZipPart, offset: number) {
  const name = Buffer.from(part.name);
  const content = Buffer.from(part.content ?? '');
  const method = part.method ?? 8;
  const data = method === 8 ? deflateRawSync(content) : content;
  const flags = (part.flags ?? 0) | (name.some((byte) => byte > 127) ? 0x800 : 0);
  const size = part.size ?? content.length;
  const fields = (head: Buffer, from: number): void => {
    head.writeUInt16LE(flags, from);
    head.writeUInt16LE(method, from + 2);
    // 1980-01-01, the first date that a zip knows.
    head.writeUInt16LE(0x21, from + 6);
    head.writeUInt32LE(crc32(content), from + 8);
    head.writeUInt32LE(data.length, from + 12);
    head.writeUInt32LE(size, from + 16);
    head.writeUInt16LE(name.length, from + 20);
  };
  const localExtra = part.localExtra ?? Buffer.alloc(0);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  fields(head, 6);
  head.writeUInt16LE(localExtra.length, 28);
  const local = Buffer.concat([head, name, localExtra]);
  part.editLocal?.(local);

  const centralExtra = part.centralExtra ?? Buffer.alloc(0);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(0x0314, 4);
  record.writeUInt16LE(20, 6);
  fields(record, 8);
  record.writeUInt16LE(centralExtra.length, 30);
  record.writeUInt32LE((part.mode ?? 0o100644) * 0x10000, 38);
  record.writeUInt32LE(offset, 42);
  const central = Buffer.concat([record, name, centralExtra]);
  part.editCentral?.(central);
  return { local, central, data };
}

/** The zip64 extra field, with the numbers that stand in it in their order. */
export function zip64Extra(...numbers: readonly bigint[]): Buffer {
  const field = Buffer.alloc(4 + 8 * numbers.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * numbers.length, 2);
  for (const [index, number] of numbers.entries()) field.writeBigUInt64LE(number, 4 + 8 * index);
  return field;
}

/** A zip64 end record and its locator. */
export function zip64End({ offset, bytes, count }: Placed): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(bytes), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + bytes), 64);
  record.writeUInt32LE(1, 72);
  return record;
}

export interface WheelParts {
  readonly name?: string;
  readonly version?: string;
  /** Added in front of the dist-info's own. */
  readonly parts?: readonly ZipPart[];
  /** Files of the dist-info folder, added to its own or in their place; null: left out. */
  readonly info?: Readonly<Record<string, string | Buffer | null>>;
  readonly distInfo?: string;
  /** Rows of RECORD beside those of `parts`. */
  readonly rows?: string;
  readonly zip?: ZipOptions;
}

/** A wheel, sound but for what is asked for. */
export function wheelBytes(wheel: WheelParts = {}): Buffer {
  const { name = 'evil', version = '1.0' } = wheel;
  const folder = wheel.distInfo ?? `${name.replaceAll('-', '_')}-${version}.dist-info`;
  const info: Record<string, string | Buffer | null> = {
    METADATA: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n\n`,
    WHEEL: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ...wheel.info,
  };
  const files = Object.entries(info).flatMap(([file, content]) =>
    content === null ? [] : [{ name: `${folder}/${file}`, content }],
  );
  const parts = [{ name: `${name.replaceAll('-', '_')}.py`, content: '' }, ...(wheel.parts ?? [])];
  const listed = [...parts, ...files].filter((part) => !part.name.toString().endsWith('/'));
  const rows = [...listed, { name: `${folder}/RECORD` }]
    .map((part) => `${quoted(part.name.toString())},,\n`)
    .join('');
  const record = info['RECORD'] === null || typeof info['RECORD'] === 'string' ? [] : [rows];
  return zipBytes(
    [
      ...parts,
      ...files,
      ...record.map((text) => ({ name: `${folder}/RECORD`, content: text + (wheel.rows ?? '') })),
    ],
    wheel.zip,
  );
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
