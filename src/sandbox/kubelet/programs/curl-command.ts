/** `curl` in a simulated container, so that one application can ask another one as people do: kubectl exec … -- curl -s URL. */
import type { ProgramAnswer } from '../../cluster/pod-program.ts';
import type { AppCall, AppCallResult } from './app-program.ts';

/** curl's own exit codes. */
const FAILED_INIT = 2;
const COULD_NOT_CONNECT = 7;
const HTTP_ERROR = 22;
const RECEIVE_ERROR = 56;

interface Request {
  readonly url: string;
  readonly head: boolean;
  readonly failing: boolean;
  readonly bodyWanted: boolean;
  readonly format: string;
}

const WITH_VALUE = new Set(['-o', '--output', '-w', '--write-out', '-m', '--max-time', '--connect-timeout', '-X', '--request']);

/** Understands -s, -S, -i, -f, -o FILE (the body goes nowhere), -w FORMAT with %{http_code}; of others it knows that they take a value. */
export async function runCurl(args: readonly string[], call: (call: AppCall) => Promise<AppCallResult>): Promise<ProgramAnswer> {
  const request = readRequest(args);
  if (request === undefined || !URL.canParse(request.url))
    return { stdout: '', stderr: "curl: try 'curl --help' for more information\n", exitCode: FAILED_INIT };
  const { hostname, port, pathname, search } = new URL(request.url);
  const written = (code: string): string => request.format.replaceAll('%{http_code}', code).replaceAll('\\n', '\n');
  try {
    const { status, body } = await call({ host: hostname, port: Number(port || 80), path: `${pathname}${search}`, headers: {} });
    const head = request.head ? `HTTP/1.1 ${status}\r\n\r\n` : '';
    const failed = request.failing && status >= 400;
    return {
      stdout: `${head}${request.bodyWanted && !failed ? body : ''}${written(String(status))}`,
      stderr: failed ? `curl: (${HTTP_ERROR}) The requested URL returned error: ${status}\n` : '',
      exitCode: failed ? HTTP_ERROR : 0,
    };
  } catch (error) {
    const { message } = error as Error;
    const code = /ECONNREFUSED|ENOTFOUND|no network/.test(message) ? COULD_NOT_CONNECT : RECEIVE_ERROR;
    return { stdout: written('000'), stderr: `curl: (${code}) ${message}\n`, exitCode: code };
  }
}

function readRequest(args: readonly string[]): Request | undefined {
  const values = new Map<string, string>();
  let url: string | undefined;
  const flags = new Set<string>();
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (WITH_VALUE.has(arg)) {
      values.set(arg, args[at + 1] ?? '');
      at += 1;
    } else if (arg.startsWith('--')) flags.add(arg);
    else if (arg.startsWith('-')) for (const letter of arg.slice(1)) flags.add(`-${letter}`);
    else url = arg;
  }
  if (url === undefined) return undefined;
  return {
    url: url.includes('://') ? url : `http://${url}`,
    head: flags.has('-i'),
    failing: flags.has('-f') || flags.has('--fail'),
    bodyWanted: !values.has('-o') && !values.has('--output'),
    format: values.get('-w') ?? values.get('--write-out') ?? '',
  };
}
