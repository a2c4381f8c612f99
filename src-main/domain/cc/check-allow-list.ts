/** `class_allow_list`: the forms NVFlare's allow-list understands (docs/reference/provisioning.md §4.7). */
import { defaultClassAllowList } from '../job/class-allow-list.ts';
import { child, isNull, shorten, textOf } from '../project/yaml/node.ts';
import type { CcCheck } from './cc-file.ts';

const classForm = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*\.?$/;

export function checkAllowList(check: CcCheck): void {
  const { root, report, context } = check;
  const key = 'class_allow_list';
  const node = child(root, key);
  if (!node || isNull(node) || node.kind !== 'sequence') return;
  if (context.line === '2.7.2' && node.items.length > 0) {
    report.warning(node, key, {
      code: 'cc_allow_list_line',
      message: `${key} has no effect in FLARE 2.7: its sites build any class that is in the image.`,
      hint: 'Use FLARE 2.8 (flare: "2.8.1" in desk.yml) to limit the classes, or remove the list.',
    });
  }
  const relay = context.users.find(({ type }) => type === 'relay');
  if (relay && context.line === '2.8.1') {
    report.error(node, key, {
      code: 'cc_allow_list_relay',
      message: `${key}: the relay "${relay.name}" has no place for it; NVFlare cannot provision this.`,
      hint: `Give "${relay.name}" no cc_config, or a file without ${key}.`,
    });
  }
  const seen = new Set<string>();
  node.items.forEach((item, index) => {
    const at = `${key}[${index}]`;
    const text = textOf(item);
    if (text === undefined || text === '') return;
    if (text === '*') {
      report.warning(item, at, {
        code: 'cc_allow_list_all',
        message: `${at}: "*" allows every class in the image to every job.`,
        hint: 'List the packages your jobs need: my_package.',
      });
    } else if (!classForm.test(text)) {
      report.error(item, at, {
        code: 'cc_allow_list_form',
        message: `${at}: "${shorten(text)}" can never match a class.`,
        hint: /[*/\\]|\.py$/.test(text)
          ? `Write a class path, or a package with a dot at its end: ${shorten(suggested(text))}`
          : 'Write a class path (my_package.trainer.Trainer), or a package with a dot at its end (my_package.).',
      });
    } else if (seen.has(text)) {
      report.info(item, at, {
        code: 'cc_allow_list_double',
        message: `${at}: "${shorten(text)}" is listed twice.`,
      });
    } else if (context.line === '2.8.1' && defaultClassAllowList.includes(text)) {
      report.info(item, at, {
        code: 'cc_allow_list_builtin',
        message: `${at}: NVFlare allows "${shorten(text)}" anyway.`,
      });
    }
    seen.add(text);
  });
}

/** `app/custom/trainer.py` and `pkg.*` in the form that works. */
function suggested(text: string): string {
  return `${text
    .replace(/\.py$/, '')
    .replace(/^\.?\/+/, '')
    .replace(/[/\\]/g, '.')
    .replace(/\.?\*.*$/, '')
    .replace(/\.$/, '')}.`;
}
