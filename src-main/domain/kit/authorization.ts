import type { KitFile } from './kit-file.ts';
import { jsonFile } from './kit-json.ts';

/** What each role may do (docs/reference/provisioning.md §4.6, table): the default, and the stricter one of CC sites. */
const permissions = {
  standard: {
    org_admin: rights('none', 'none', 'o:submitter', 'o:submitter', 'o:site', 'none'),
    lead: rights('any', 'n:submitter', 'n:submitter', 'n:submitter', 'o:site', 'any'),
  },
  confidential: {
    org_admin: rights('none', 'none', 'o:submitter', 'none', 'none', 'none'),
    lead: rights('any', 'n:submitter', 'n:submitter', 'none', 'none', 'none'),
  },
};

function rights(
  submit: string,
  clone: string,
  manage: string,
  download: string,
  operate: string,
  byoc: string,
): Record<string, string> {
  return {
    submit_job: submit,
    clone_job: clone,
    manage_job: manage,
    download_job: download,
    view: 'any',
    operate,
    shell_commands: operate,
    byoc,
  };
}

/** `local/authorization.json.default` of a server or client. */
export function renderAuthorization(policy: keyof typeof permissions): KitFile {
  return jsonFile('local/authorization.json.default', {
    format_version: '1.0',
    permissions: { project_admin: 'any', ...permissions[policy], member: { view: 'any' } },
  });
}
