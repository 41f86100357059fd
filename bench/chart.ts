import type { ContestantId } from './contestants.ts';

export interface Group {
  readonly title: string;
  readonly bars: readonly { readonly id: ContestantId; readonly milliseconds: number }[];
}

const labels: Partial<Record<ContestantId, string>> = {
  standalone: 'pip-accel, standalone',
  node: 'pip-accel',
  uv: 'uv, no bytecode',
  'uv-compile': 'uv, bytecode',
  cp: 'cp -al',
  pip: 'pip',
};

const width = 760;
const left = 170;
const right = 90;
const barHeight = 16;
const barStep = 21;
const groupGap = 40;
const top = 64;

/** Bars of each set on one logarithmic scale, for pip takes hundreds of times as long. */
export function drawChart(groups: readonly Group[]): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ milliseconds }) => milliseconds));
  const smallest = 10 ** Math.floor(Math.log10(Math.min(...values)));
  const largest = 10 ** Math.ceil(Math.log10(Math.max(...values)));
  const scale = (value: number) =>
    (Math.log(value / smallest) / Math.log(largest / smallest)) * (width - left - right);
  const parts: string[] = [];
  let y = top;
  for (const { title, bars } of groups) {
    parts.push(`<text class="title" x="16" y="${y}">${escape(title)}</text>`);
    y += 10;
    for (const { id, milliseconds } of bars) {
      parts.push(bar({ id, milliseconds, length: scale(milliseconds), y }));
      y += barStep;
    }
    y += groupGap - 10;
  }
  const height = y - groupGap + 46;
  const ticks = decades(smallest, largest).map((value) => tick(left + scale(value), value, height));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    '<title>Time to fill a fresh environment, everything known</title>',
    style,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    '<text class="head" x="16" y="26">Time to fill a fresh environment, everything known</text>',
    '<text class="note" x="16" y="43">logarithmic scale: each line is ten times the one before</text>',
    ...ticks,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

const style = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .head { font-size: 15px; font-weight: 600; }
  .title { font-weight: 600; }
  .note, .tick { fill: #59636e; }
  .label { text-anchor: end; }
  .tick { text-anchor: middle; }
  .paper { fill: #ffffff; }
  .line { stroke: #d1d9e0; }
  .ours { fill: #1a7f5a; }
  .theirs { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .note, .tick { fill: #9198a1; }
    .paper { fill: #0d1117; }
    .line { stroke: #30363d; }
    .ours { fill: #3fb68b; }
    .theirs { fill: #6e7681; }
  }
</style>`;

function bar(shape: {
  readonly id: ContestantId;
  readonly milliseconds: number;
  readonly length: number;
  readonly y: number;
}): string {
  const { id, milliseconds, length, y } = shape;
  const kind = id === 'node' || id === 'standalone' ? 'ours' : 'theirs';
  const drawn = Math.max(length, 1).toFixed(1);
  const middle = y + barHeight - 4;
  return [
    `<text class="label" x="${left - 8}" y="${middle}">${escape(labels[id] ?? id)}</text>`,
    `<rect class="${kind}" x="${left}" y="${y}" width="${drawn}" height="${barHeight}" rx="2"/>`,
    `<text x="${(left + length + 6).toFixed(1)}" y="${middle}">${duration(milliseconds)}</text>`,
  ].join('');
}

function tick(x: number, value: number, height: number): string {
  const at = x.toFixed(1);
  return [
    `<line class="line" x1="${at}" x2="${at}" y1="${top - 12}" y2="${height - 28}"/>`,
    `<text class="tick" x="${at}" y="${height - 12}">${duration(value)}</text>`,
  ].join('');
}

function decades(smallest: number, largest: number): readonly number[] {
  const count = Math.round(Math.log10(largest / smallest));
  return Array.from({ length: count + 1 }, (_, power) => smallest * 10 ** power);
}

/** Milliseconds below a second, seconds above. */
export function duration(milliseconds: number): string {
  if (milliseconds < 999.5) return `${Number(milliseconds.toPrecision(3))} ms`;
  return `${Number((milliseconds / 1000).toPrecision(3))} s`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
