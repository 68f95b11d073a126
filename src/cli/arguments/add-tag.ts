/** The commands of tags. */
import type { Command } from 'commander';
import type { TagSetOptions } from '../commands/tag.ts';
import type { CommandContext } from './global-options.ts';

type Run = (command: Command, perform: (context: CommandContext) => Promise<number> | number) => Promise<void>;

export function addTag(program: Command, run: Run): void {
  const tagCommands = async (): Promise<typeof import('../commands/tag.ts')> => import('../commands/tag.ts');
  const tag = program.command('tag').helpCommand(false).description('stable names that point to a revision, as istioctl writes them');
  tag
    .command('list')
    .description('where each tag points, who follows it, who owns it')
    .action(async (_options: object, command: Command) => run(command, async (context) => (await tagCommands()).tagListCommand(context)));
  withRevision(tag.command('set <tag>'))
    .description('makes a tag or moves it, after saying what that moves and when')
    .option('--overwrite', 'move a tag that exists')
    .action(async (name: string, options: TagSetOptions, command: Command) =>
      run(command, async (context) => (await tagCommands()).tagSetCommand(context, name, options)),
    );
  tag
    .command('remove <tag>')
    .description('removes a tag that nothing follows')
    .action(async (name: string, _options: object, command: Command) =>
      run(command, async (context) => (await tagCommands()).tagRemoveCommand(context, name)),
    );
  withRevision(tag.command('generate <tag>'))
    .description('prints the objects of a tag as istioctl would; writes nothing')
    .action(async (name: string, options: TagSetOptions, command: Command) =>
      run(command, async (context) => (await tagCommands()).tagGenerateCommand(context, name, options)),
    );
}

function withRevision(command: Command): Command {
  return command
    .requiredOption('-r, --revision <name>', 'revision that the tag points to')
    .option('--auto-inject-namespaces', 'the tag default also injects where nothing is labelled');
}
