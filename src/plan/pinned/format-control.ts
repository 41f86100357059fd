import type { NormalizedName } from '../../core/types.ts';
import { normalizeName } from '../../python/names.ts';

/** `--no-binary` and `--only-binary`, as far as they were read (`models/format_control.py`). */
export interface FormatControl {
  readonly noBinary: Set<string>;
  readonly onlyBinary: Set<string>;
}

/** Reads one more value; an option takes from the other what it names, and `:all:` all. */
export function addFormatControl(
  control: FormatControl,
  option: 'no-binary' | 'only-binary',
  value: string,
): void {
  const [target, other] =
    option === 'no-binary'
      ? [control.noBinary, control.onlyBinary]
      : [control.onlyBinary, control.noBinary];
  let names = value.split(',');
  while (names.includes(':all:')) {
    other.clear();
    target.clear();
    target.add(':all:');
    names = names.slice(names.indexOf(':all:') + 1);
    if (!names.includes(':none:')) return;
  }
  for (const name of names) {
    if (name === ':none:') {
      target.clear();
      continue;
    }
    const key = normalizeName(name);
    other.delete(key);
    target.add(key);
  }
}

export function allowedFormats(
  { noBinary, onlyBinary }: FormatControl,
  key: NormalizedName,
): { readonly binary: boolean; readonly source: boolean } {
  if (onlyBinary.has(key)) return { binary: true, source: false };
  if (noBinary.has(key)) return { binary: false, source: true };
  if (onlyBinary.has(':all:')) return { binary: true, source: false };
  return { binary: !noBinary.has(':all:'), source: true };
}
