/** The plan as a file: YAML that people review, with a digest that tells whether it was changed afterwards. */
import { LineCounter, parseDocument, stringify } from 'yaml';
import * as z from 'zod';
import { sortKeys } from '../controlplane/diff-objects.ts';
import { Problem } from '../problems/problem.ts';
import { PLAN_API_VERSION, PLAN_FORMAT_VERSION, PLAN_KIND, planSchema, type Plan } from './plan.ts';

const DIGEST_KEY = 'digest';
const NEW_PLAN = [{ label: 'make a new one', command: 'meshlift plan --to VERSION -o FILE' }];

/** Digest over the plan's content in canonical form; it is also the identity of the run. */
export function planDigest(plan: Plan, sha256: (text: string) => string): string {
  return `sha256:${sha256(JSON.stringify(sortKeys(plan)))}`;
}

/** Name of the run that performs a plan: the plan's own name and the start of its digest, at most 50 characters. */
export function runName(plan: Plan, sha256: (text: string) => string): string {
  const short = planDigest(plan, sha256).slice('sha256:'.length, 'sha256:'.length + 6);
  return `${plan.metadata.name.slice(0, 43).replace(/-+$/, '')}-${short}`;
}

export function encodePlan(plan: Plan, sha256: (text: string) => string): string {
  const header =
    '# A plan by Meshlift. Review it, then: meshlift apply FILE\n# It is applied as it is: what should be different is said to meshlift plan.\n';
  return header + stringify({ ...plan, [DIGEST_KEY]: planDigest(plan, sha256) }, { lineWidth: 0 });
}

/** @returns the plan, or a Problem that names the place: not YAML, not a plan, a newer format, changed afterwards */
export function decodePlan(text: string, file: string, sha256: (text: string) => string): Plan | Problem {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const syntax = document.errors[0];
  if (syntax) {
    const { line, col } = lineCounter.linePos(syntax.pos[0]);
    return new Problem('PLAN-010', {
      what: `${file}, line ${line}, column ${col}: ${(syntax.message.split('\n')[0] ?? '').replace(/ at line.*$/, '')}.`,
      next: NEW_PLAN,
    });
  }
  const raw: unknown = document.toJS();
  const shape = shapeProblem(raw, file);
  if (shape) return shape;
  const { [DIGEST_KEY]: digest, ...body } = raw as Record<string, unknown>;
  const parsed = planSchema.safeParse(body);
  if (!parsed.success) return schemaProblem(parsed.error, file);
  if (digest !== planDigest(parsed.data, sha256)) {
    return new Problem('PLAN-012', {
      what: `${file} has the digest ${typeof digest === 'string' ? digest : 'none'}, but its content gives another one.`,
      why: 'Something in it was changed after it was made.',
      next: NEW_PLAN,
    });
  }
  return parsed.data;
}

function shapeProblem(raw: unknown, file: string): Problem | undefined {
  const head = (typeof raw === 'object' && raw !== null ? raw : {}) as { apiVersion?: unknown; kind?: unknown; formatVersion?: unknown };
  if (head.kind !== PLAN_KIND) {
    return new Problem('PLAN-010', {
      what: `${file} is not a plan: its kind is ${JSON.stringify(head.kind ?? null)}, not ${PLAN_KIND}.`,
      next: NEW_PLAN,
    });
  }
  const version = head.formatVersion;
  if (head.apiVersion !== PLAN_API_VERSION || (typeof version === 'number' && version > PLAN_FORMAT_VERSION)) {
    return new Problem('PLAN-011', {
      what: `${file} has the format ${String(head.apiVersion)}, version ${String(version)}; this Meshlift reads ${PLAN_API_VERSION}, version ${PLAN_FORMAT_VERSION}.`,
      next: NEW_PLAN,
    });
  }
  return undefined;
}

function schemaProblem(error: z.ZodError, file: string): Problem {
  const places = error.issues
    .slice(0, 5)
    .map((issue) => `${issue.path.length === 0 ? 'the plan' : issue.path.join('.')}: ${issue.message}`);
  return new Problem('PLAN-010', {
    what: `${file} does not have the shape of a plan.\n${places.join('\n')}`,
    next: NEW_PLAN,
    facts: { issues: error.issues.length },
  });
}
