import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkGuide, guideSite, soundSite } from './guide.ts';

const alarms = (findings: { severity: string; code: string; path?: string }[]) =>
  findings.filter(({ severity }) => severity !== 'info').map(({ code, path }) => `${code} ${path ?? ''}`);

it("gives the guide's own files the alarms they deserve and no other", async () => {
  const complete = await checkGuide();
  expect(alarms(complete.findings)).toEqual(['cc_out_ports_missing allowed_out_ports']);
  expect(complete.project).toBeDefined();
  const snippet = await checkGuide({
    'cc_site-1.yml': guideSite.replace('hosts_entries:', 'host_entries:'),
  });
  expect(alarms(snippet.findings)).toEqual([
    'cc_out_ports_missing allowed_out_ports',
    'cc_host_entries host_entries',
  ]);
  expect(snippet.project).toBeDefined();
});

it('is silent about a sound site, remarks aside', async () => {
  const { findings } = await checkGuide({ 'cc_site-1.yml': soundSite });
  expect(alarms(findings)).toEqual([]);
  const remarks = findings.map(({ code }) => code);
  expect(new Set(remarks)).toEqual(new Set(['cc_path_home', 'cc_user_config_kit', 'cc_log_drive']));
});

it('says on the older line what that line cannot do', async () => {
  const { findings, project } = await checkGuide({ 'cc_site-1.yml': soundSite }, { flare: '2.7.2' });
  expect(alarms(findings)).toEqual([
    'cc_workspace_plain participants[0].cc_config',
    'cc_allow_list_line class_allow_list',
  ]);
  expect(project).toBeDefined();
});

it('names everything it read or looked for, there or not', async () => {
  const { consulted, folder, home } = await checkGuide({
    'cc_site-1.yml': soundSite.replace('docker_archive: ~', 'docker_archive: ~/not-there'),
  });
  const inFolder = ['desk.yml', 'project.yml', 'cc_server1.yml', 'cc_site-1.yml'];
  const named = [...consulted].filter((path) => path.startsWith(folder)).sort();
  expect(named).toEqual(inFolder.map((name) => join(folder, name)).sort());
  const archives = [...consulted].filter((path) => path.startsWith(home) && path.endsWith('.tar.gz'));
  expect(archives.map((path) => path.includes('not-there')).sort()).toEqual([false, true]);
  expect([...consulted].some((path) => path.endsWith('cvm_build.sh'))).toBe(true);
});
