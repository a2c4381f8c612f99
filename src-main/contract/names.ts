/** Every name of the contract, without zod: for a preload script, and for refusing early. */

export const callNames = [
  'places.pick',
  'places.reveal',
  'workspace.open',
  'workspace.open_recent',
  'workspace.forget_recent',
  'workspace.close',
  'workspace.reload',
  'workspace.site_log',
  'drafts.begin_new',
  'drafts.begin',
  'drafts.edit',
  'drafts.set_text',
  'drafts.set_step',
  'drafts.undo',
  'drafts.import_csv',
  'drafts.export_csv',
  'drafts.issuers',
  'drafts.save',
  'drafts.discard',
  'drafts.plan',
  'custody.state',
  'custody.wrap',
  'custody.unwrap',
  'custody.unlock',
  'custody.lock',
  'projects.create',
  'projects.check',
  'projects.plan',
  'kits.inspect',
  'kits.verify',
  'certificates.list',
  'session.info',
  'session.complete',
  'jobs.check',
  'jobs.look',
  'jobs.transfer',
  'jobs.detail',
  'jobs.list',
  'jobs.abort',
  'jobs.delete',
  'jobs.clone',
  'tasks.list',
  'tasks.get',
  'tasks.cancel',
  'tasks.retry',
  'settings.get',
  'settings.set',
  'settings.known_hosts',
  'settings.forget_host',
  'diagnostics.about',
  'diagnostics.audit',
  'diagnostics.bundle',
  'diagnostics.save_bundle',
  'diagnostics.export_audit',
  'builds.list',
  'builds.cancel',
  'images.write',
] as const;

export const taskNames = [
  'provisioning.run',
  'sites.run',
  'jobs.submit',
  'jobs.follow',
  'jobs.download',
  'hosts.check',
  'builds.run',
  'bundles.inspect',
  'bundles.verify',
  'images.build',
  'images.inspect',
] as const;
export const streamNames = ['session.console', 'tasks.watch', 'tasks.log', 'builds.log'] as const;
export const stateNames = [
  'tasks.recent',
  'workspace.current',
  'drafts.current',
  'session.connections',
  'jobs.board',
  'settings.current',
  'custody.current',
  'hosts.matrix',
  'builds.board',
] as const;
export const promptNames = [
  'prompts.host_key',
  'prompts.passphrase',
  'prompts.place',
  'prompts.new_passphrase',
  'prompts.confirm',
] as const;

export type CallName = (typeof callNames)[number];
export type TaskName = (typeof taskNames)[number];
export type StreamName = (typeof streamNames)[number];
export type StateName = (typeof stateNames)[number];
export type PromptName = (typeof promptNames)[number];

/** The steps a site can be asked for. */
export const siteVerbs = ['check', 'distribute', 'start', 'stop', 'status', 'rollback'] as const;
