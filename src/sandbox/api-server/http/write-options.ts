/** The parameters of writes, refused in the words of apimachinery (pkg/apis/meta/v1/validation, v0.34). */
import { invalid, type FieldError } from '../../objects/status-error.ts';
import type { FieldValidation } from './decode-body.ts';
import { truth } from '../pipeline/list-options.ts';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
}

export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

const MAX_MANAGER_BYTES = 128;

/**
 * @param userAgent stands for a manager that is not named, up to its first slash
 * @param apply only then may `force` be given, and the manager must be named
 * @throws StatusError 422
 */
export function readWriteOptions(kind: OptionsKind, query: URLSearchParams, userAgent: string | undefined, apply = false): WriteOptions {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  const force = query.get('force');
  const errors: FieldError[] = [];
  if (kind === 'PatchOptions' && !apply && force !== null)
    errors.push({ reason: 'FieldValueForbidden', field: 'force', message: 'Forbidden: may not be specified for non-apply patch' });
  if (apply && fieldManager === '')
    errors.push({ reason: 'FieldValueRequired', field: 'fieldManager', message: 'Required value: is required for apply patch' });
  if (Buffer.byteLength(fieldManager) > MAX_MANAGER_BYTES)
    errors.push({
      reason: 'FieldValueTooLong',
      field: 'fieldManager',
      message: `Too long: may not be more than ${MAX_MANAGER_BYTES} bytes`,
    });
  errors.push(...unprintable(fieldManager), ...dryRunErrors(dryRun));
  if (!['', 'Strict', 'Warn', 'Ignore'].includes(fieldValidation))
    errors.push({
      reason: 'FieldValueNotSupported',
      field: 'fieldValidation',
      message: `Unsupported value: ${JSON.stringify(fieldValidation)}: supported values: "", "Ignore", "Strict", "Warn"`,
    });
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', resource: '', kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager: fieldManager === '' ? managerOf(userAgent) : fieldManager,
    fieldValidation: fieldValidation === 'Strict' || fieldValidation === 'Ignore' ? fieldValidation : 'Warn',
    force: truth(force),
  };
}

/** Only the first character that cannot be printed is named. */
function unprintable(manager: string): readonly FieldError[] {
  const found = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(manager);
  if (found === null) return [];
  const code = found[0].codePointAt(0) ?? 0;
  const at = Buffer.byteLength(manager.slice(0, found.index));
  const shown = JSON.stringify(manager).replaceAll(/\\u00([0-9a-f]{2})|\u007f/g, (_all, hex?: string) => `\\x${hex ?? '7f'}`);
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  const message = `Invalid value: ${shown}: invalid character U+${hex} (at position ${at})`;
  return [{ reason: 'FieldValueInvalid', field: 'fieldManager', message }];
}

export function dryRunErrors(dryRun: readonly string[]): readonly FieldError[] {
  if (dryRun.every((value) => value === 'All')) return [];
  const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
  return [{ reason: 'FieldValueNotSupported', field: 'dryRun', message }];
}

/** The part of a user agent before its version, as far as it can be printed. */
function managerOf(userAgent: string | undefined): string {
  const [name = ''] = (userAgent ?? '').split('/');
  // eslint-disable-next-line no-control-regex
  return name.replaceAll(/[\u0000-\u001f\u007f]/g, '').slice(0, MAX_MANAGER_BYTES);
}

/** What webhooks see of the parameters. */
export function optionsObject(
  kind: OptionsKind,
  query: URLSearchParams,
  { dryRun, fieldManager, force }: WriteOptions,
): Readonly<Record<string, unknown>> {
  const fieldValidation = query.get('fieldValidation');
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(force ? { force } : {}),
    ...(fieldManager === '' ? {} : { fieldManager }),
    ...(fieldValidation === null ? {} : { fieldValidation }),
  };
}
