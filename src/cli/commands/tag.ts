import { stringify } from 'yaml';
import { refKey, refOf } from '../../core/controlplane/object-identity.ts';
import { buildInventory } from '../../core/mesh/build-inventory.ts';
import { noIstio } from '../../core/mesh/mesh-problems.ts';
import { describeTags } from '../../core/tags/describe-tags.ts';
import { generateTag, planTagRemoval, planTagSet, removeTag, setTag } from '../../flows/change-tags.ts';
import type { CommandContext } from '../arguments/global-options.ts';
import { compose } from '../compose.ts';
import { withReader } from '../compose-reader.ts';
import { confirm } from '../drive.ts';
import { ExitCode } from '../exit-codes.ts';
import { isStructured, renderStructured } from '../views/structured.ts';
import { renderRemoval, renderTagList, renderTagMove, tagMoveFacts, tagSetText } from '../views/tag-text.ts';

export interface TagSetOptions {
  readonly revision: string;
  readonly overwrite?: boolean;
  readonly autoInjectNamespaces?: boolean;
}

export async function tagListCommand({ options, terminal, format }: CommandContext): Promise<ExitCode> {
  return withReader(options, async (reader) => {
    const inventory = buildInventory(await reader.readMesh('status'));
    if (inventory.revisions.length === 0 && inventory.unread.length === 0) throw noIstio(inventory);
    const tags = describeTags(inventory);
    if (isStructured(format)) terminal.out(renderStructured(tags, format));
    else if (format === 'name') for (const { tag } of tags) terminal.out(`tag/${tag}`);
    else terminal.out(renderTagList(tags, inventory, terminal, format === 'wide'));
    return ExitCode.done;
  });
}

export async function tagSetCommand(context: CommandContext, tag: string, options: TagSetOptions): Promise<ExitCode> {
  const { terminal, format } = context;
  const ports = compose(context.options);
  const tell = (text: string): void => (isStructured(format) ? undefined : terminal.out(text));
  try {
    const request = {
      tag,
      revision: options.revision,
      overwrite: options.overwrite === true,
      autoInject: options.autoInjectNamespaces === true,
    };
    const planned = await planTagSet(ports, request);
    tell(renderTagMove(planned, terminal));
    const isDryRun = context.options.dryRun === true;
    if (isStructured(format)) terminal.out(renderStructured({ ...tagMoveFacts(planned), dryRun: isDryRun }, format));
    if (planned.moves.length === 0) return ExitCode.done;
    if (isDryRun) {
      tell('\nDry run: nothing was changed.');
      return ExitCode.done;
    }
    await confirm(
      context,
      planned.from === undefined ? `Make the tag ${tag}?` : `Move the tag ${tag}?`,
      `meshlift tag set ${tag} --revision ${options.revision} --dry-run`,
    );
    const seen = await setTag(ports, planned);
    tell(`\n${tagSetText(planned, seen)}`);
    return ExitCode.done;
  } finally {
    ports.close();
  }
}

export async function tagRemoveCommand(context: CommandContext, tag: string): Promise<ExitCode> {
  const { terminal, format } = context;
  const ports = compose(context.options);
  try {
    const planned = await planTagRemoval(ports, tag);
    const objects = planned.removes.map((object) => refKey(refOf(object)));
    if (isStructured(format)) terminal.out(renderStructured({ tag, revision: planned.tag.revision, removes: objects }, format));
    else terminal.out(renderRemoval(planned));
    if (context.options.dryRun === true) {
      terminal.err('Dry run: nothing was changed.');
      return ExitCode.done;
    }
    await confirm(context, `Remove the tag ${tag}?`, `meshlift tag remove ${tag} --dry-run`);
    await removeTag(ports, planned);
    if (!isStructured(format)) terminal.out(`\nThe tag ${tag} is removed.\nNext: meshlift tag list`);
    return ExitCode.done;
  } finally {
    ports.close();
  }
}

/** Prints what `istioctl tag generate` would; writes nothing. */
export async function tagGenerateCommand(
  { options, terminal, format }: CommandContext,
  tag: string,
  given: TagSetOptions,
): Promise<ExitCode> {
  return withReader(options, async (reader) => {
    const objects = await generateTag({ reader }, { tag, revision: given.revision, autoInject: given.autoInjectNamespaces === true });
    const text = objects.map((object) => stringify(plain(object), { lineWidth: 0, sortMapEntries: true })).join('---\n');
    terminal.out(format === 'json' ? JSON.stringify(objects, null, 2) : text);
    return ExitCode.done;
  });
}

/** Nothing shared, which would turn into YAML anchors. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
