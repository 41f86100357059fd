import { createReadStream } from 'node:fs';
import { crc32 } from 'node:zlib';
import { openZip } from '../../obtain/cold/zip.ts';
import { counted } from '../../report/cold/counted.ts';
import { verifyStore } from '../../store/cold/verify.ts';
import type { Store } from '../../store/layout.ts';

/** What `pip-accel accel verify` exits with where something was damaged, as fsck does. */
const damagedExitCode = 1;

/** `pip-accel accel verify`: checks the store, repairs it, and says what was damaged; tells the exit code. */
export async function verify(
  store: Store,
  { full, say }: { readonly full: boolean; readonly say: (line: string) => void },
): Promise<number> {
  const { sources, binaries, images, damages } = await verifyStore(store, full ? wheelHas : null);
  for (const { kind, path, fault } of damages) {
    // An image shows nothing that the archive does not.
    const verb = kind === 'image' ? 'Removed' : 'Set aside';
    say(`${verb} a damaged ${kind}: ${path}: ${fault}`);
  }
  const checked = [
    counted(sources, 'source'),
    counted(binaries, 'binary distribution'),
    counted(images, 'image'),
  ];
  say(`Checked ${checked.join(', ')}: ${damages.length} damaged`);
  return damages.length > 0 ? damagedExitCode : 0;
}

async function wheelHas(wheel: string, file: string): Promise<boolean> {
  let [crc, size] = [0, 0];
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    crc = crc32(chunk, crc);
    size += chunk.length;
  }
  const zip = openZip(wheel);
  try {
    return zip.entries.some((entry) => entry.size === size && entry.crc32 === crc);
  } finally {
    zip.close();
  }
}
