/** What is asked for, in vegeta's two forms: request lines with headers, and JSON, one object a line. */
import * as z from 'zod';

export interface Target {
  readonly method: string;
  readonly url: string;
  /** In order, names as written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: { readonly file: string } | { readonly base64: string };
}

/** What is wrong with which line, from 1. */
export interface TargetMistake {
  readonly line: number;
  readonly what: string;
}

export type ParsedTargets = { readonly targets: readonly Target[] } | { readonly mistakes: readonly TargetMistake[] };

const REQUEST = /^([A-Z]+)\s+(\S+)$/;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/;

/**
 * A target is `METHOD URL`, then headers, then `@FILE` for a body; targets follow each other, empty lines and lines that start
 * with # or // are passed over.
 * @source tsenart/vegeta lib/targets.go, v12.12.0
 */
export function parseTargetLines(text: string): ParsedTargets {
  const targets: { method: string; url: string; headers: [string, string][]; body?: { file: string } }[] = [];
  const mistakes: TargetMistake[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#') || line.startsWith('//')) continue;
    const wrong = addLine(line, targets);
    if (wrong !== undefined) mistakes.push({ line: index + 1, what: wrong });
  }
  if (targets.length === 0 && mistakes.length === 0) mistakes.push({ line: 1, what: 'there is no target' });
  return mistakes.length > 0 ? { mistakes } : { targets };
}

function addLine(
  line: string,
  targets: { method: string; url: string; headers: [string, string][]; body?: { file: string } }[],
): string | undefined {
  const [, method, url] = REQUEST.exec(line) ?? [];
  if (method !== undefined && url !== undefined) {
    targets.push({ method, url, headers: [] });
    return urlMistake(url);
  }
  const current = targets.at(-1);
  if (!current) return `"${line}" is no request line such as GET http://host/path`;
  if (line.startsWith('@')) {
    current.body = { file: line.slice(1) };
    return undefined;
  }
  const [, name, value] = HEADER.exec(line) ?? [];
  if (name === undefined || value === undefined) return `"${line}" is no header such as Name: value`;
  current.headers.push([name, value]);
  return undefined;
}

function urlMistake(url: string): string | undefined {
  return /^https?:\/\/[^\s/?#]+/.test(url) ? undefined : `"${url}" is no URL that starts with http:// or https://`;
}

const jsonTarget = z.object({
  method: z.string().regex(/^[A-Z]+$/),
  url: z.string(),
  header: z.record(z.string(), z.array(z.string())).nullish(),
  body: z.base64().nullish(),
});

/** @source tsenart/vegeta lib/target.schema.json, v12.12.0 */
export function parseTargetJson(text: string): ParsedTargets {
  const targets: Target[] = [];
  const mistakes: TargetMistake[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = readJsonTarget(line);
    if (typeof parsed === 'string') mistakes.push({ line: index + 1, what: parsed });
    else targets.push(parsed);
  }
  if (targets.length === 0 && mistakes.length === 0) mistakes.push({ line: 1, what: 'there is no target' });
  return mistakes.length > 0 ? { mistakes } : { targets };
}

function readJsonTarget(line: string): Target | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'it is no JSON';
  }
  const read = jsonTarget.safeParse(value);
  if (!read.success) return read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join(', ');
  const { method, url, header, body } = read.data;
  const wrong = urlMistake(url);
  if (wrong !== undefined) return wrong;
  return {
    method,
    url,
    headers: Object.entries(header ?? {}).flatMap(([name, values]) => values.map((one): [string, string] => [name, one])),
    ...(body === undefined || body === null ? {} : { body: { base64: body } }),
  };
}
