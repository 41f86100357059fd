import { type OptionSpec, optionTable } from '../src/config/options.ts';
import { errorCodes } from '../src/core/errors.ts';

/** The parts of docs/configuration.md that the code's own tables say, by the name of their marker. */
const sections: Readonly<Record<string, () => string>> = { options, errors };

/** A page with what stands between `<!-- NAME -->` and `<!-- end of NAME -->` made anew. */
export function withReference(page: string): string {
  return Object.entries(sections).reduce((text, [name, render]) => {
    const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [before, rest] = cut(text, begin);
    const [, after] = cut(rest, end);
    return `${before}${begin}\n${render()}\n${end}${after}`;
  }, page);
}

function cut(text: string, marker: string): [before: string, after: string] {
  const at = text.indexOf(marker);
  if (at === -1) throw new Error(`no line ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

function options(): string {
  return table(
    ['Option', 'Variable', 'Flag of `install`', 'Values', 'Default', 'What it does'],
    Object.entries(optionTable as Record<string, OptionSpec>).map(([key, spec]) => [
      `\`${key}\``,
      `\`${spec.environment}\``,
      spec.flag ? `\`${spec.flag}\`` : '',
      values(spec),
      spec.default,
      spec.help,
    ]),
  );
}

function values(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'path':
      return 'a path, also with `~`';
    case 'flag':
      return '`yes`, `no`, `true`, `false`, `on`, `off`, `1`, `0`';
    case 'count':
      return `a whole number from ${spec.minimum} on`;
    case 'choice':
      return spec.choices.map((choice) => `\`${choice}\``).join(', ');
    case 'age':
      return 'seconds, or `forever`';
    case 'size':
      return 'a size such as `500M`, `10G` or `10Gi`, or `none`';
    default:
      return spec satisfies never;
  }
}

function errors(): string {
  return table(
    ['Error', 'Exit code', 'What happened'],
    Object.entries(errorCodes).map(([code, { exitCode, help }]) => [
      `\`${code}\``,
      String(exitCode),
      help,
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
