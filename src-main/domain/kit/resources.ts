import type { Participant } from '../project/model.ts';
import type { KitFile } from './kit-file.ts';
import { float, jsonFile } from './kit-json.ts';
import type { LineProfile } from './line-profile.ts';

const path = 'local/resources.json.default';
const appCommon = 'nvflare.app_common';
const fileStorage = `${appCommon}.storages.filesystem_storage.FilesystemStorage`;

/** The class check of jobs without own code; confidential sites may name further classes (§4.7). */
function classCheck(profile: LineProfile, extraClasses: readonly string[]): Record<string, unknown> {
  if (profile.classCheck === undefined) return {};
  const { mode, allowList } = profile.classCheck;
  return {
    class_list_enforcement_mode: mode,
    class_allow_list: [...new Set([...allowList, ...extraClasses])],
  };
}

/** `local/resources.json.default` of the server (docs/reference/provisioning.md §4.6). */
export function renderServerResources(profile: LineProfile, extraClasses: readonly string[]): KitFile {
  return jsonFile(path, {
    format_version: 2,
    ...classCheck(profile, extraClasses),
    servers: [
      {
        admin_storage: 'transfer',
        max_num_clients: 100,
        heart_beat_timeout: 600,
        download_job_url: 'http://download.server.com/',
        admin_timeout: float(10),
      },
    ],
    snapshot_persistor: {
      path: `${appCommon}.state_persistors.storage_state_persistor.StorageStatePersistor`,
      args: {
        uri_root: '/',
        storage: {
          path: fileStorage,
          args: { root_dir: '/tmp/nvflare/snapshot-storage', uri_root: '/' },
        },
      },
    },
    components: [
      component('job_scheduler', `${appCommon}.job_schedulers.job_scheduler.DefaultJobScheduler`, {
        max_jobs: 4,
      }),
      component('job_manager', 'nvflare.apis.impl.job_def_manager.SimpleJobDefManager', {
        uri_root: '/tmp/nvflare/jobs-storage',
        job_store_id: 'job_store',
      }),
      { id: 'job_store', path: fileStorage },
      component(
        'process_launcher',
        `${appCommon}.job_launcher.server_process_launcher.ServerProcessJobLauncher`,
        {},
      ),
      component('log_receiver', profile.logReceiver, {}),
    ],
  });
}

/** `local/resources.json.default` of a client (docs/reference/provisioning.md §4.6). */
export function renderClientResources(
  client: Participant,
  profile: LineProfile,
  extraClasses: readonly string[],
): KitFile {
  return jsonFile(path, {
    format_version: 2,
    ...classCheck(profile, extraClasses),
    ...(profile.clientLogs === 'log-streamer' ? { allow_log_streaming: client.allowLogStreaming } : {}),
    client: { retry_timeout: 30, compression: 'Gzip' },
    components: [
      component(
        'resource_manager',
        `${appCommon}.resource_managers.gpu_resource_manager.GPUResourceManager`,
        {
          num_of_gpus: client.capacity.numOfGpus,
          mem_per_gpu_in_GiB: client.capacity.memPerGpuInGib,
          ...(profile.resourceExpiration === undefined
            ? {}
            : { expiration_period: profile.resourceExpiration }),
        },
      ),
      component(
        'resource_consumer',
        `${appCommon}.resource_consumers.gpu_resource_consumer.GPUResourceConsumer`,
        {},
      ),
      component(
        'process_launcher',
        `${appCommon}.job_launcher.client_process_launcher.ClientProcessJobLauncher`,
        {},
      ),
      ...logComponents(client, profile),
    ],
  });
}

function logComponents(client: Participant, profile: LineProfile): object[] {
  switch (profile.clientLogs) {
    case 'log-streamer':
      return [
        component('site_log_streamer', `${appCommon}.logging.site_log_streamer.SiteLogStreamer`, {
          log_file_name: profile.errorLogFile,
        }),
      ];
    case 'error-sender':
      return client.allowErrorSending
        ? [component('error_log_sender', `${appCommon}.logging.log_sender.ErrorLogSender`, {})]
        : [];
  }
}

/** `local/resources.json.default` of an admin: the console's own settings (docs/reference/provisioning.md §4.4). */
export function renderAdminResources(): KitFile {
  return jsonFile(path, {
    format_version: 1,
    admin: {
      idle_timeout: float(900),
      login_timeout: float(10),
      with_debug: false,
      authenticate_msg_timeout: float(2),
      prompt: '> ',
    },
  });
}

function component(id: string, classPath: string, args: Record<string, unknown>) {
  return { id, path: classPath, args };
}
