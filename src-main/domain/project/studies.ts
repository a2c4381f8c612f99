/** `studies` of FLARE 2.8 (docs/reference/provisioning.md §2.7). */
import { studyKeys } from './keys.ts';
import type { FlareLine, Participant, Study } from './model.ts';
import { studyNamePattern } from './names.ts';
import { nearest } from './near-miss.ts';
import { join } from './report.ts';
import type { Report } from './report.ts';
import { child, describe, isNull, shorten, textOf } from './yaml/node.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';

export function readStudies(
  root: YamlMapping,
  line: FlareLine,
  apiVersion: number | undefined,
  participants: readonly Participant[],
  report: Report,
): Study[] {
  const node = child(root, 'studies');
  if (!node || isNull(node)) return [];
  if (line === '2.7.2') {
    report.warning(node, 'studies', {
      code: 'studies_ignored',
      message: 'studies is ignored by FLARE 2.7.',
      hint: 'Studies need FLARE 2.8 and api_version: 4.',
    });
    return [];
  }
  if (apiVersion !== undefined && apiVersion !== 4) {
    report.error(node, 'studies', {
      code: 'studies_api_version',
      message: `studies need api_version: 4, not ${apiVersion}.`,
      hint: 'Write "api_version: 4".',
    });
  }
  if (node.kind !== 'mapping') {
    report.wrongType(node, 'studies', 'a mapping of study names');
    return [];
  }
  const reader = new StudyReader(participants, report);
  return Array.from(node.entries.values(), (entry) => reader.read(entry.key, entry.name, entry.value));
}

class StudyReader {
  readonly #report: Report;
  readonly #orgs: Set<string>;
  readonly #clientOrgs: Map<string, string>;
  readonly #admins: Set<string>;

  constructor(participants: readonly Participant[], report: Report) {
    this.#report = report;
    this.#orgs = new Set(participants.map((one) => one.org));
    this.#clientOrgs = new Map(
      participants.filter((one) => one.type === 'client').map((one) => [one.name, one.org]),
    );
    this.#admins = new Set(participants.filter((one) => one.type === 'admin').map((one) => one.name));
  }

  read(key: YamlNode, name: string, node: YamlNode): Study {
    const path = join('studies', name);
    const study: Study = { name };
    if (name === 'default') {
      this.#report.error(key, path, {
        code: 'study_name_invalid',
        message: 'The study name "default" is reserved by NVFlare.',
        hint: 'Choose another name.',
      });
    } else if (textOf(key) === undefined || !studyNamePattern.test(name)) {
      this.#report.error(key, path, {
        code: 'study_name_invalid',
        message: `"${shorten(name)}" is not a study name.`,
        hint: 'Use 1 to 63 lower-case letters, digits, hyphens and underscores; first and last a letter or digit. Quote a number.',
      });
    }
    if (isNull(node)) return study;
    if (node.kind !== 'mapping') {
      this.#report.wrongType(node, path, 'a mapping with site_orgs and admins');
      return study;
    }
    this.#report.nearMisses(node, path, studyKeys);
    this.#reportSites(node, path);
    study.siteOrgs = this.#readSiteOrgs(node, path);
    study.admins = this.#readAdmins(node, path);
    return study;
  }

  /** NVFlare's user guide shows `sites`, which its code does not read. */
  #reportSites(node: YamlMapping, path: string): void {
    const entry = node.entries.get('sites');
    if (entry) {
      this.#report.warning(entry.key, join(path, 'sites'), {
        code: 'unknown_key',
        message: `${join(path, 'sites')} is ignored by NVFlare.`,
        hint: 'Write site_orgs: { <org>: [<client>, …] }.',
      });
    }
  }

  #readSiteOrgs(study: YamlMapping, studyPath: string): Record<string, string[]> {
    const path = join(studyPath, 'site_orgs');
    const node = child(study, 'site_orgs');
    if (!node || isNull(node)) return {};
    if (node.kind !== 'mapping') {
      this.#report.wrongType(node, path, 'a mapping: org -> list of clients');
      return {};
    }
    const siteOrgs: Record<string, string[]> = {};
    const seen = new Set<string>();
    for (const entry of node.entries.values()) {
      const at = join(path, entry.name);
      if (textOf(entry.key) === undefined || !this.#orgs.has(entry.name)) {
        this.#report.error(entry.key, at, {
          code: 'study_org_unknown',
          message: `${path}: no participant belongs to the org "${shorten(entry.name)}".`,
          hint: didYouMean(entry.name, this.#orgs),
        });
      }
      if (entry.value.kind !== 'sequence') {
        this.#report.wrongType(entry.value, at, 'a list of clients');
        continue;
      }
      siteOrgs[entry.name] = entry.value.items.flatMap((item, index) =>
        this.#readSite(item, `${at}[${index}]`, entry.name, seen),
      );
    }
    return siteOrgs;
  }

  #readSite(item: YamlNode, at: string, org: string, seen: Set<string>): string[] {
    const site = textOf(item);
    const siteOrg = site === undefined ? undefined : this.#clientOrgs.get(site);
    if (site === undefined || siteOrg === undefined) {
      this.#report.error(item, at, {
        code: 'study_client_unknown',
        message: `${at}: ${describe(item)} is not a client of this project.`,
        hint: site === undefined ? undefined : didYouMean(site, this.#clientOrgs.keys()),
      });
      return [];
    }
    if (siteOrg !== org) {
      this.#report.error(item, at, {
        code: 'study_client_org',
        message: `${at}: the client "${site}" belongs to the org "${siteOrg}", not "${shorten(org)}".`,
        hint: `List it under ${siteOrg}.`,
      });
    }
    if (seen.has(site)) {
      this.#report.error(item, at, {
        code: 'study_client_repeated',
        message: `${at}: the client "${site}" is listed twice in this study.`,
        hint: 'Keep one of the two.',
      });
    }
    seen.add(site);
    return [site];
  }

  #readAdmins(study: YamlMapping, studyPath: string): string[] {
    const path = join(studyPath, 'admins');
    const node = child(study, 'admins');
    if (!node || isNull(node)) return [];
    if (node.kind !== 'sequence') {
      this.#report.wrongType(
        node,
        path,
        'a list of admin names',
        'Roles come from the participants; list the names only.',
      );
      return [];
    }
    const admins = new Set<string>();
    node.items.forEach((item, index) => {
      const at = `${path}[${index}]`;
      const admin = textOf(item);
      if (admin === undefined || !this.#admins.has(admin)) {
        this.#report.error(item, at, {
          code: 'study_admin_unknown',
          message: `${at}: ${describe(item)} is not an admin of this project.`,
          hint: admin === undefined ? undefined : didYouMean(admin, this.#admins),
        });
      } else admins.add(admin);
    });
    return [...admins];
  }
}

function didYouMean(written: string, known: Iterable<string>): string | undefined {
  const meant = nearest(written, known);
  return meant === undefined ? undefined : `Did you mean "${meant}"?`;
}
