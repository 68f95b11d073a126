import { expect, test } from 'vitest';
import type { AppCall, AppCallResult } from './app-program.ts';
import { runCurl } from './curl-command.ts';

const answering = async ({ host, port, path }: AppCall): Promise<AppCallResult> => {
  if (host === 'nowhere') throw new Error('connect ECONNREFUSED nowhere:80');
  if (host === 'strict') throw new Error('read ECONNRESET');
  return { status: path === '/missing' ? 404 : 200, body: `${host} ${port} ${path}` };
};

test.each<[string, string, string, number]>([
  ['-s http://api:9080/x?y=1', 'api 9080 /x?y=1', '', 0],
  ['api.shop', 'api.shop 80 /', '', 0],
  ['-si api', 'HTTP/1.1 200\r\n\r\napi 80 /', '', 0],
  ['-s -o /dev/null -w %{http_code} -m 5 http://api/missing', '404', '', 0],
  ['-sf http://api/missing', '', 'curl: (22) The requested URL returned error: 404\n', 22],
  ['-s -o /dev/null -w %{http_code} http://nowhere', '000', 'curl: (7) connect ECONNREFUSED nowhere:80\n', 7],
  ['http://strict', '', 'curl: (56) read ECONNRESET\n', 56],
  ['-s', '', "curl: try 'curl --help' for more information\n", 2],
])('curl %s', async (words, stdout, stderr, exitCode) => {
  expect(await runCurl(words.split(' '), answering)).toEqual({ stdout, stderr, exitCode });
});
