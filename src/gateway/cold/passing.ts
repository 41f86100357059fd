import type { Phase, Span, Subject, Timings } from '../../core/timings.ts';
import type { Respond } from './exchange.ts';

/** The network for what only passes through: the time of that goes to what its address names. */
export function passing(upstream: Respond, timings: Timings | null): Respond {
  if (!timings) return upstream;
  return async (request) => {
    const { phase, subject } = purposeOf(request.url);
    const span = timings.begin(phase, subject);
    try {
      const answer = await upstream(request);
      return { ...answer, body: untilRead(answer.body, span) };
    } catch (error) {
      span[Symbol.dispose]();
      throw error;
    }
  };
}

async function* untilRead(body: AsyncIterable<Uint8Array>, span: Span): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    span[Symbol.dispose]();
  }
}

function purposeOf({ pathname }: URL): { readonly phase: Phase; readonly subject: Subject | null } {
  const [, filename = '', metadata] =
    /\/([^/]+\.(?:whl|zip|tgz|tar\.\w+))(\.metadata)?$/.exec(pathname) ?? [];
  if (filename === '') return { phase: 'index', subject: null };
  return { phase: metadata ? 'metadata' : 'download', subject: { filename: decoded(filename) } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
