/** Refusals in the form and the words of an API server: kubectl prints the message as it is, client-go reads reason and details. */

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

export class StatusError extends Error {
  readonly status: Status;

  /** @param reason undefined where the API server gives none, such as when a webhook denies without one */
  constructor(code: number, reason: string | undefined, message: string, details?: StatusDetails) {
    super(message);
    this.name = 'StatusError';
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

/** One thing that is wrong with one field, as `field.Error` of apimachinery. */
export interface FieldError {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueTypeInvalid'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueNotFound'
    | 'InternalError';
  /** `spec.template.spec.containers[0].name` */
  readonly field: string;
  /** The whole text without the field, such as `Required value` or `Invalid value: "A": must be lower case`. */
  readonly message: string;
}

/** What a refusal is about: resource in the plural for errors that name resources, kind for those that name kinds. */
export interface About {
  readonly group: string;
  readonly resource: string;
  readonly kind: string;
}

function qualified(resource: string, group: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}

export function notFound({ group, resource }: About, name: string): StatusError {
  return new StatusError(
    404,
    'NotFound',
    `${qualified(resource, group)} ${JSON.stringify(name)} not found`,
    detailsOf(name, group, resource),
  );
}

export function alreadyExists({ group, resource }: About, name: string): StatusError {
  const message = `${qualified(resource, group)} ${JSON.stringify(name)} already exists`;
  return new StatusError(409, 'AlreadyExists', message, detailsOf(name, group, resource));
}

export function conflict({ group, resource }: About, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(resource, group)} ${JSON.stringify(name)}: ${why}`;
  return new StatusError(409, 'Conflict', message, detailsOf(name, group, resource));
}

/** The conflict of a write with a resourceVersion that is not the present one. */
export function modified(about: About, name: string): StatusError {
  return conflict(about, name, 'the object has been modified; please apply your changes to the latest version and try again');
}

export function invalid({ group, kind }: About, name: string, errors: readonly FieldError[]): StatusError {
  const texts = errors.map((error) => `${error.field}: ${error.message}`);
  const all = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  return new StatusError(422, 'Invalid', `${qualified(kind, group)} ${JSON.stringify(name)} is invalid: ${all}`, {
    ...detailsOf(name, group, kind),
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function forbidden({ group, resource }: About, name: string, why: string): StatusError {
  const subject = name === '' ? qualified(resource, group) : `${qualified(resource, group)} ${JSON.stringify(name)}`;
  return new StatusError(403, 'Forbidden', `${subject} is forbidden: ${why}`, detailsOf(name, group, resource));
}

function detailsOf(name: string, group: string, kind: string): StatusDetails {
  return { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind };
}
