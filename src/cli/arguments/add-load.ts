/** The commands of load: `load attack` and `load report`. */
import { Option, type Command } from 'commander';
import type { CommandContext } from './global-options.ts';

export interface AttackOptions {
  readonly targets?: string;
  readonly format: string;
  readonly gateway?: string;
  readonly path: string;
  readonly port?: string;
  readonly host?: string;
  readonly rate: string;
  readonly duration: string;
  readonly timeout: string;
  readonly maxConnections: string;
  readonly keepalive: boolean;
  readonly insecure?: boolean;
  readonly redirects: string;
  readonly header?: readonly string[];
  readonly name: string;
  readonly untilInputEnds?: boolean;
}

export interface ReportOptions {
  readonly type: string;
}

type Run = (command: Command, perform: (context: CommandContext) => Promise<number> | number, acceptsFile?: boolean) => Promise<void>;

function gatherHeaders(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

export function addLoad(program: Command, run: Run): void {
  program.commandsGroup('Load');
  const load = program.command('load').helpCommand(false).description('steady requests while a mesh changes, and what became of them');
  load
    .command('attack [url]')
    .description('sends requests at a steady rate, answered or not; results go to -o FILE or standard output, one JSON object a line')
    .option('--targets <file>', 'file of targets, - for standard input (METHOD URL, headers, @body; as vegeta reads them)')
    .option('--format <format>', 'of the targets: http or json', 'http')
    .option('--gateway <namespace/name>', 'a gateway of the mesh instead of a URL; its address is looked up')
    .option('--path <path>', 'path at the gateway', '/')
    .option('--port <number>', 'port of the gateway (default: 80)')
    .option('--host <name>', 'Host header for the gateway')
    .option('--rate <rate>', 'requests: 50, 50/1s, 600/m', '50/1s')
    .option('--duration <duration>', 'how long: 10s, 1m30s', '10s')
    .option('--timeout <duration>', 'how long one request may take', '30s')
    .option('--max-connections <number>', 'connections at a time to each host', '1000')
    .option('--no-keepalive', 'a new connection for each request')
    .option('--insecure', 'do not check certificates')
    .option('--redirects <number>', 'redirects to follow', '10')
    .option('--header <header>', 'Name: value, for every target (repeat)', gatherHeaders)
    .option('--name <name>', 'name of the attack in its results', '')
    // For a run that has a load: the load ends when the run does, however that ends.
    .addOption(new Option('--until-input-ends').hideHelp())
    .action(async (url: string | undefined, options: AttackOptions, command: Command) =>
      run(command, async (context) => (await import('../commands/load.ts')).attackCommand(context, url, options), true),
    );
  load
    .command('report [file...]')
    .description('figures of results: rate, latencies from the moment a request was due, failures')
    .option('--type <type>', 'text, json, or hist[0,10ms,100ms]', 'text')
    .action(async (files: string[], options: ReportOptions, command: Command) =>
      run(command, async (context) => (await import('../commands/load.ts')).reportCommand(context, files, options), true),
    );
}
