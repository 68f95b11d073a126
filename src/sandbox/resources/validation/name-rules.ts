/** Rules for names and labels, each giving what is wrong. @source k8s.io/apimachinery pkg/util/validation/validation.go of 1.34 */
import { isIP } from 'node:net';

/** What is wrong with a text; empty when nothing is. */
export type TextRule = (text: string) => readonly string[];

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

/** Compiled once for each text of a pattern. */
const WHOLE: Readonly<Record<string, RegExp>> = Object.fromEntries(
  [SUBDOMAIN, LABEL, LABEL_1035, QUALIFIED, LABEL_VALUE, CONFIG_KEY].map((pattern) => [pattern, new RegExp(`^(?:${pattern})$`)]),
);

function matches(pattern: string, text: string): boolean {
  return WHOLE[pattern]?.test(text) ?? false;
}

/** `must consist of … (e.g. 'a',  or 'b', regex used for validation is '…')`; the two blanks are the server's. */
function patternText(text: string, pattern: string, ...examples: readonly string[]): string {
  return `${text} (e.g. ${examples.map((example) => `'${example}', `).join(' or ')}regex used for validation is '${pattern}')`;
}

function lengthText(max: number): string {
  return `must be no more than ${max} characters`;
}

const SUBDOMAIN_TEXT = patternText(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN,
  'example.com',
);
const LABEL_TEXT = patternText(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  LABEL,
  'my-name',
  '123-abc',
);
const LABEL_1035_TEXT = patternText(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  LABEL_1035,
  'my-name',
  'abc-123',
);
const QUALIFIED_TEXT = patternText(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  QUALIFIED,
  'MyName',
  'my.name',
  '123-abc',
);

export const subdomain: TextRule = (text) => [
  ...(text.length > 253 ? [lengthText(253)] : []),
  ...(matches(SUBDOMAIN, text) ? [] : [SUBDOMAIN_TEXT]),
];

export const dnsLabel: TextRule = (text) => {
  const wrong = matches(SUBDOMAIN, text) ? 'must not contain dots' : LABEL_TEXT;
  return [...(text.length > 63 ? [lengthText(63)] : []), ...(matches(LABEL, text) ? [] : [wrong])];
};

export const dns1035Label: TextRule = (text) => [
  ...(text.length > 63 ? [lengthText(63)] : []),
  ...(matches(LABEL_1035, text) ? [] : [LABEL_1035_TEXT]),
];

/** A part of a path in URLs, as names in RBAC are. */
export const pathSegment: TextRule = (text) => {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((character) => text.includes(character)).map((character) => `may not contain '${character}'`);
};

/** A name with an optional domain before a slash, as keys of labels are. */
export const qualifiedName: TextRule = (text) => {
  const parts = text.split('/');
  if (parts.length > 2)
    return [`a qualified name ${QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const errors: string[] = [];
  const [prefix, name = ''] = parts.length === 2 ? parts : [undefined, text];
  if (prefix === '') errors.push('prefix part must be non-empty');
  else if (prefix !== undefined) errors.push(...subdomain(prefix).map((error) => `prefix part ${error}`));
  if (name === '') errors.push('name part must be non-empty');
  else if (name.length > 63) errors.push(`name part ${lengthText(63)}`);
  if (!matches(QUALIFIED, name)) errors.push(`name part ${QUALIFIED_TEXT}`);
  return errors;
};

export const labelValue: TextRule = (text) => {
  if (text.length > 63) return [lengthText(63), ...(matches(LABEL_VALUE, text) ? [] : [LABEL_VALUE_TEXT])];
  return matches(LABEL_VALUE, text) ? [] : [LABEL_VALUE_TEXT];
};

const LABEL_VALUE_TEXT = patternText(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  LABEL_VALUE,
  'MyValue',
  'my_value',
  '12345',
);

export const configKey: TextRule = (text) => {
  const errors = text.length > 253 ? [lengthText(253)] : [];
  if (!matches(CONFIG_KEY, text)) {
    errors.push(
      patternText(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        CONFIG_KEY,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (text === '.') errors.push("must not be '.'");
  else if (text === '..') errors.push("must not be '..'");
  else if (text.startsWith('..')) errors.push("must not start with '..'");
  return errors;
};

/** Names of ports: at most 15 characters, with a letter. */
export const portName: TextRule = (text) => [
  ...(text.length > 15 ? [lengthText(15)] : []),
  ...(/^[-a-z0-9]+$/.test(text) ? [] : ['must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)']),
  ...(/[a-z]/.test(text) ? [] : ['must contain at least one letter (a-z)']),
  ...(text.includes('--') ? ['must not contain consecutive hyphens'] : []),
  ...(/^-|-$/.test(text) ? ['must not begin or end with a hyphen'] : []),
];

export const environmentName: TextRule = (text) =>
  /^[ -<>-~]+$/.test(text) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];

export const headerName: TextRule = (text) =>
  /^[-A-Za-z0-9]+$/.test(text)
    ? []
    : [patternText("a valid HTTP header must consist of alphanumeric characters or '-'", '[-A-Za-z0-9]+', 'X-Header-Name')];

export const ipAddress: TextRule = (text) => (isIP(text) === 0 ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'] : []);

export const percent: TextRule = (text) => {
  const form = patternText("a valid percent string must be a numeric string followed by an ending '%'", '[0-9]+%', '1%', '93%');
  return /^[0-9]+%$/.test(text) ? [] : [form];
};

/** A name that may start with `*.`. */
export const wildcardSubdomain: TextRule = (text) => {
  const pattern = `\\*\\.${SUBDOMAIN}`;
  const errors = text.length > 253 ? [lengthText(253)] : [];
  if (new RegExp(`^${pattern}$`).test(text)) return errors;
  const form =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...errors, patternText(form, pattern, '*.example.com')];
};

/** @param text with or without its ending dot */
export const fullyQualified: TextRule = (text) => {
  const errors = subdomain(text);
  return errors.length > 0 ? errors : text.split('.').length < 2 ? ['should be a domain with at least two segments separated by dots'] : [];
};
