/** Answers of webhooks that are no reviews: what client-go makes of them (apimachinery pkg/api/errors, client-go rest/request.go, v0.34). */
import { isRecord } from '../../resources/json-tree.ts';

export interface HttpAnswer {
  readonly status: number;
  /** Empty when the header is missing. */
  readonly contentType: string;
  readonly body: string;
}

/** client-go shows no more of a body that it cannot read. */
const MAX_SHOWN = 2048;

const MESSAGES: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** @returns why the answer cannot be used; undefined when its body is a JSON object */
export function unusableAnswer(answer: HttpAnswer): string | undefined {
  const { status, contentType, body } = answer;
  if (status < 200 || status > 206) return statusText(answer);
  if (body === '') return `0-length response with status code: ${status} and content type: ${contentType || 'application/json'}`;
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) ? undefined : noObject(goKind(parsed));
  } catch {
    // What is not JSON is read as YAML, in which a plain text is a string.
    return /^\s*[{["]/.test(body) ? `${JSON_ERROR} unexpected end of JSON input` : noObject('string');
  }
}

const JSON_ERROR = "couldn't get version/kind; json parse error:";

function noObject(kind: string): string {
  const fields = ['APIVersion', 'Kind'].map((field) => {
    const name = field === 'Kind' ? 'kind' : 'apiVersion';
    return `${field} string ${JSON.stringify(`json:"${name},omitempty"`)}`;
  });
  return `${JSON_ERROR} json: cannot unmarshal ${kind} into Go value of type struct { ${fields.join('; ')} }`;
}

function statusText({ status, contentType, body }: HttpAnswer): string {
  const isText = contentType === '' || contentType.startsWith('text/');
  const shown = isText ? body.slice(0, MAX_SHOWN).trim() : 'unknown';
  if (status === 403 || status === 415) return shown;
  if (status === 406)
    return shown === '' || shown === 'unknown' ? 'the server was unable to respond with a content type that the client supports' : shown;
  const known = MESSAGES[status];
  if (known !== undefined) return known;
  if (status >= 500) return `an error on the server (${JSON.stringify(shown)}) has prevented the request from succeeding`;
  return `the server responded with the status code ${status} but did not return more information`;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
