/** Every name of the contract, without zod: for a preload script, and for refusing early. */

export const callNames = [
  'projects.create',
  'projects.check',
  'projects.plan',
  'kits.inspect',
  'kits.verify',
  'certificates.list',
  'session.info',
  'jobs.check',
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
  'diagnostics.about',
  'diagnostics.audit',
  'diagnostics.export_audit',
] as const;

export const taskNames = [
  'provisioning.run',
  'sites.run',
  'jobs.submit',
  'jobs.follow',
  'jobs.download',
] as const;
export const streamNames = ['session.console', 'tasks.watch'] as const;
export const stateNames = ['tasks.recent'] as const;
export const promptNames = ['prompts.host_key', 'prompts.passphrase', 'prompts.confirm'] as const;

export type CallName = (typeof callNames)[number];
export type TaskName = (typeof taskNames)[number];
export type StreamName = (typeof streamNames)[number];
export type StateName = (typeof stateNames)[number];
export type PromptName = (typeof promptNames)[number];

/** The steps a site can be asked for. */
export const siteVerbs = ['check', 'distribute', 'start', 'stop', 'status', 'rollback'] as const;
