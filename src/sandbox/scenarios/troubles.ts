/** What can go wrong in a sandbox, by name, with its settings: as a person writes it, and as the parts of the sandbox are told. */

/** When it begins. Without a moment, at once. */
export type TroubleMoment =
  | { readonly afterMs: number }
  /** When an object changes for the first time after it was asked for. @example pods, shop, reviews-v2-… */
  | { readonly onChange: { readonly resource: string; readonly namespace?: string; readonly name?: string } };

export type Trouble =
  | { readonly kind: 'failing-proxies'; readonly revision: string; readonly ratio: number; readonly status: number }
  | { readonly kind: 'slow-proxies'; readonly revision: string; readonly ms: number }
  | { readonly kind: 'webhook-down'; readonly revision: string }
  | { readonly kind: 'lost-proxies'; readonly revision: string }
  | { readonly kind: 'silent-istiod'; readonly revision: string }
  | { readonly kind: 'unready-istiod'; readonly revision: string }
  | { readonly kind: 'missing-image'; readonly image: string }
  | { readonly kind: 'slow-start'; readonly namespace: string; readonly app: string; readonly ms: number }
  | { readonly kind: 'blocking-budget'; readonly namespace: string; readonly app: string }
  | { readonly kind: 'failing-api'; readonly ratio: number; readonly status: number }
  | { readonly kind: 'resetting-api'; readonly ratio: number }
  | { readonly kind: 'silent-watches' }
  | { readonly kind: 'relabelled-namespace'; readonly namespace: string; readonly label: string; readonly value: string };

export type TroubleKind = Trouble['kind'];

export interface PlannedTrouble {
  readonly trouble: Trouble;
  readonly moment?: TroubleMoment;
}

interface Setting {
  readonly name: string;
  /** Absent when it must be given. */
  readonly fallback?: string;
  readonly form: 'text' | 'ratio' | 'number';
}

interface TroubleForm {
  readonly explanation: string;
  readonly settings: readonly Setting[];
}

const text = (name: string, fallback?: string): Setting => ({ name, form: 'text', ...(fallback === undefined ? {} : { fallback }) });
const number = (name: string, fallback: string): Setting => ({ name, form: 'number', fallback });
const ratio = (fallback: string): Setting => ({ name: 'ratio', form: 'ratio', fallback });

export const TROUBLES: Readonly<Record<TroubleKind, TroubleForm>> = {
  'failing-proxies': {
    explanation: 'Proxies of a revision answer a share of the requests with an error.',
    settings: [text('revision'), ratio('0.05'), number('status', '500')],
  },
  'slow-proxies': { explanation: 'Proxies of a revision take longer for each request.', settings: [text('revision'), number('ms', '50')] },
  'webhook-down': {
    explanation: 'The webhooks of a revision do not answer: pods that it would inject are refused.',
    settings: [text('revision')],
  },
  'lost-proxies': {
    explanation: 'The istiods of a revision close the connections of their proxies and take none.',
    settings: [text('revision')],
  },
  'silent-istiod': {
    explanation: 'The istiods of a revision push nothing: their proxies miss every change.',
    settings: [text('revision')],
  },
  'unready-istiod': { explanation: 'The istiods of a revision never get ready.', settings: [text('revision')] },
  'missing-image': { explanation: 'An image cannot be pulled; * stands for any text.', settings: [text('image')] },
  'slow-start': {
    explanation: 'An application takes long to get ready.',
    settings: [text('namespace'), text('app', ''), number('ms', '30000')],
  },
  'blocking-budget': {
    explanation: 'A PodDisruptionBudget allows no pod of an application to be evicted.',
    settings: [text('namespace'), text('app')],
  },
  'failing-api': {
    explanation: 'The API server answers a share of the requests with an error.',
    settings: [ratio('0.1'), number('status', '500')],
  },
  'resetting-api': { explanation: 'The API server cuts off a share of the connections.', settings: [ratio('0.1')] },
  'silent-watches': { explanation: 'Open watches hear of no change any more.', settings: [] },
  'relabelled-namespace': {
    explanation: 'A person changes a label of a namespace; an empty value takes it away.',
    settings: [text('namespace'), text('label', 'istio.io/rev'), text('value', '')],
  },
};

export const troubleNames: readonly TroubleKind[] = Object.keys(TROUBLES) as TroubleKind[];

export type ParsedTrouble = { readonly trouble: Trouble } | { readonly mistakes: readonly string[] };

/** @param settings as written: `revision=1-30-0`, `ratio=0.05` */
export function parseTrouble(name: string, settings: Readonly<Record<string, string>>): ParsedTrouble {
  const form = (TROUBLES as Readonly<Record<string, TroubleForm>>)[name];
  if (form === undefined) return { mistakes: [`${name}: there is no such trouble; it must be one of ${troubleNames.join(', ')}`] };
  const known = new Set(form.settings.map((setting) => setting.name));
  const mistakes = Object.keys(settings)
    .filter((key) => !known.has(key))
    .map((key) => `${name} has no setting ${key}; it has ${[...known].join(', ') || 'none'}`);
  const values: Record<string, string | number> = {};
  for (const setting of form.settings) {
    const written = settings[setting.name] ?? setting.fallback;
    const value = written === undefined ? undefined : readSetting(setting, written);
    if (value === undefined)
      mistakes.push(written === undefined ? `${name} needs ${setting.name}` : `${setting.name}=${written}: ${EXPECTED[setting.form]}`);
    else values[setting.name] = value;
  }
  return mistakes.length > 0 ? { mistakes } : { trouble: { kind: name, ...values } as unknown as Trouble };
}

const EXPECTED: Readonly<Record<Setting['form'], string>> = {
  text: 'it must be a text',
  ratio: 'it must be a number from 0 to 1',
  number: 'it must be a whole number',
};

function readSetting({ form }: Setting, written: string): string | number | undefined {
  if (form === 'text') return written;
  const value = Number(written);
  if (written.trim() === '' || Number.isNaN(value) || value < 0) return undefined;
  if (form === 'ratio') return value <= 1 ? value : undefined;
  return Number.isInteger(value) ? value : undefined;
}
