/** A tar written field by field, so that each of them can be made to lie. */
export interface TarPart {
  readonly name: string;
  readonly content?: string | Buffer;
  /** `0` file, `1` hardlink, `2` symbolic link, `3` character device, `5` folder, `6` FIFO, `x` PAX, … */
  readonly type?: string;
  readonly mode?: number;
  readonly link?: string;
  /** What the header says, where that is not so; a Buffer for other forms than octal digits. */
  readonly size?: number | Buffer;
  /** Changes the header before its checksum is taken. */
  readonly edit?: (header: Buffer) => void;
  /** After the checksum was taken. */
  readonly spoil?: (header: Buffer) => void;
  /** PAX records of this part alone. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
}

export function tarBytes(parts: readonly TarPart[], end = Buffer.alloc(1024)): Buffer {
  return Buffer.concat([...parts.flatMap(written), end]);
}

function written(part: TarPart): Buffer[] {
  const content = Buffer.from(part.content ?? '');
  const header = Buffer.alloc(512);
  header.write(part.name, 0, 100, 'latin1');
  octal(header, part.mode ?? 0o644, 100, 8);
  octal(header, 0, 108, 8);
  octal(header, 0, 116, 8);
  if (Buffer.isBuffer(part.size)) part.size.copy(header, 124);
  else octal(header, part.size ?? content.length, 124, 12);
  octal(header, 1_577_836_800, 136, 12);
  header.write(part.type ?? '0', 156, 'latin1');
  header.write(part.link ?? '', 157, 100, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  part.edit?.(header);
  checksum(header);
  part.spoil?.(header);
  const own = [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  return part.pax ? [...written(paxPart('x', part.pax)), ...own] : own;
}

/** @param type `x` for the next part, `g` for all that follow. */
export function paxPart(
  type: 'x' | 'g',
  records: Readonly<Record<string, string | Buffer>>,
): TarPart {
  const content = Buffer.concat(
    Object.entries(records).map(([key, value]) => paxRecord(key, value)),
  );
  return { name: 'PaxHeader', type, content };
}

/** `<length> <key>=<value>\n`, the length being that of all of it. */
function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length)
    length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function octal(header: Buffer, value: number, at: number, width: number): void {
  header.write(value.toString(8).padStart(width - 1, '0'), at, 'latin1');
}

export function checksum(header: Buffer): void {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
