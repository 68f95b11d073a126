/** What goes wrong with a webhook: it cannot be called (the failure policy decides), or it is the request that is refused. */
import { StatusError } from '../../objects/status-error.ts';
import { integer, isRecord, record, text } from '../../resources/json-tree.ts';

/** The webhook could not be called, or gave no usable answer. */
export class CallFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CallFailure';
  }
}

/** 500 in the words of apimachinery's NewInternalError. */
export function internalError(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

export function failedCall(webhook: string, { message }: CallFailure): StatusError {
  return internalError(`failed calling webhook ${JSON.stringify(webhook)}: ${message}`);
}

/**
 * The refusal of a webhook: its code, reason and details, and its message after the name of the webhook.
 * As apiserver pkg/admission/plugin/webhook/errors/statuserror.go, v1.34.
 * @param result `response.status` of the answer
 */
export function denied(webhook: string, result: unknown): StatusError {
  const status = record(result);
  const reason = text(status['reason']);
  const given = text(status['message']) || reason;
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const code = Math.max(400, integer(status['code']));
  const details = status['details'];
  return new StatusError(
    code,
    reason === '' ? undefined : reason,
    given === '' ? `${by} without explanation` : `${by}: ${given}`,
    isRecord(details) ? details : undefined,
  );
}

/** With a dry run only webhooks without side effects may be called; no failure policy helps. */
export function dryRunUnsupported(webhook: string): StatusError {
  return new StatusError(400, 'BadRequest', `admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}
