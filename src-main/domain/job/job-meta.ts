/** What a job's meta on the server tells about its way (docs/reference/admin-protocol.md §8.1). */

/** What became of one site when the job was dealt out. */
export interface SiteDeployment {
  /** Empty for a line about the whole job. */
  site: string;
  ok: boolean;
  detail: string;
}

/** Per site what `job_deploy_detail` tells: `site: OK`, or the site's reason. */
export function deploymentOf(meta: Record<string, unknown>): SiteDeployment[] {
  return textsOf(meta.job_deploy_detail).map((line) => {
    const at = line.search(/: /);
    if (at === -1 || line.slice(0, at).includes(' ')) return { site: '', ok: false, detail: line };
    const detail = line.slice(at + 2).trim();
    return { site: line.slice(0, at), ok: detail === 'OK', detail };
  });
}

/** The scheduler's words, oldest first, without their times: `missing required site site-3`. */
export function scheduleWords(meta: Record<string, unknown>): string[] {
  return textsOf(meta.schedule_history).map((line) =>
    line.replace(/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}: /, ''),
  );
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((line): line is string => typeof line === 'string') : [];
}
