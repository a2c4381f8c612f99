/** Type, name and org of a participant (docs/reference/provisioning.md §2.3). */
import type { ParticipantType } from './model.ts';
import {
  longestCommonName,
  participantNamePattern,
  participantNameRule,
  participantTypes,
  serverCellName,
  simpleNamePattern,
  stateKeys,
} from './names.ts';
import { nearest } from './near-miss.ts';
import { join } from './report.ts';
import type { Report } from './report.ts';
import { child, isTruthy, shorten, textOf } from './yaml/node.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';

function required(node: YamlMapping, key: string, path: string, report: Report): YamlNode | undefined {
  const value = child(node, key);
  if (isTruthy(value)) return value;
  report.error(value ?? node, join(path, key), {
    code: 'missing_key',
    message: value ? `${join(path, key)} is empty.` : `${path} has no ${key}.`,
    hint: `Write "${key}: …"; every participant needs name, type and org.`,
  });
  return undefined;
}

function requiredText(
  node: YamlMapping,
  key: string,
  path: string,
  report: Report,
): { node: YamlNode; text: string } | undefined {
  const value = required(node, key, path, report);
  if (!value) return undefined;
  const text = textOf(value);
  if (text === undefined) {
    report.wrongType(
      value,
      join(path, key),
      'text',
      value.kind === 'scalar' ? 'Put it in quotes.' : undefined,
    );
    return undefined;
  }
  return { node: value, text };
}

export function readType(node: YamlMapping, path: string, report: Report): ParticipantType | undefined {
  const found = requiredText(node, 'type', path, report);
  if (!found) return undefined;
  const known = participantTypes.find((one) => one === found.text);
  if (known) return known;
  const meant = nearest(found.text, participantTypes);
  report.error(found.node, join(path, 'type'), {
    code: found.text === 'overseer' ? 'overseer_removed' : 'type_unknown',
    message:
      found.text === 'overseer'
        ? 'NVFlare has no overseer any more.'
        : `${join(path, 'type')}: "${shorten(found.text)}" is not a participant type.`,
    hint:
      found.text === 'overseer'
        ? 'Remove this participant.'
        : meant
          ? `Did you mean "${meant}"?`
          : `Use one of ${participantTypes.join(', ')}.`,
  });
  return undefined;
}

export interface ReadName {
  written: string;
  used: string;
  /** False when the name itself is reported; others may still refer to it. */
  sound: boolean;
}

export function readName(
  node: YamlMapping,
  path: string,
  type: ParticipantType | undefined,
  report: Report,
): ReadName | undefined {
  const found = requiredText(node, 'name', path, report);
  if (!found || !type) return undefined;
  const { text } = found;
  const at = join(path, 'name');
  if (!participantNamePattern[type].test(text)) {
    report.error(found.node, at, {
      code: 'name_invalid',
      message: `${at}: "${shorten(text)}" cannot be the name of a ${type}.`,
      hint: `${capital(participantNameRule[type])}.`,
    });
    return { written: text, used: text, sound: false };
  }
  if (stateKeys.includes(text) || (text === serverCellName && (type === 'client' || type === 'relay'))) {
    report.error(found.node, at, {
      code: 'name_reserved',
      message: `${at}: "${text}" is reserved by NVFlare.`,
      hint: 'Choose another name.',
    });
    return { written: text, used: text, sound: false };
  }
  if (text.length <= longestCommonName) return { written: text, used: text, sound: true };
  if (type !== 'server') {
    report.error(found.node, at, {
      code: 'name_too_long',
      message: `${at}: "${shorten(text)}" has ${text.length} characters; a certificate takes ${longestCommonName}.`,
      hint: 'Choose a shorter name.',
    });
    return { written: text, used: text, sound: false };
  }
  const cut = text.slice(0, longestCommonName);
  report.warning(found.node, at, {
    code: 'name_cut',
    message: `${at}: a certificate takes ${longestCommonName} characters; the server is called "${cut}" in the kits, others still connect to the full name.`,
    hint: 'Choose a short name and write the long one as default_host.',
  });
  return { written: text, used: cut, sound: true };
}

export function readOrg(node: YamlMapping, path: string, report: Report): string | undefined {
  const found = requiredText(node, 'org', path, report);
  if (!found) return undefined;
  if (simpleNamePattern.test(found.text)) return found.text;
  const better = found.text.replace(/[^A-Za-z0-9_]+/g, '_');
  report.error(found.node, join(path, 'org'), {
    code: 'org_invalid',
    message: `${join(path, 'org')}: "${shorten(found.text)}" is not an organisation name; only letters, digits and underscores are allowed.`,
    hint: simpleNamePattern.test(better) ? `Write "${better}".` : undefined,
  });
  return found.text;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
