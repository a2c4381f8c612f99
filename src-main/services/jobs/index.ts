export { type AbortedJob, type AbortJobOptions, abortJob } from './abort.ts';
export { type CheckedJob, type CheckJobOptions, blockingFindings, checkJob } from './check.ts';
export { type DownloadedJob, type DownloadJobOptions, downloadJob } from './download.ts';
export type { FailureReason } from './failure.ts';
export { type FollowJobOptions, followJob, type JobEvent, type JobOutcome } from './follow.ts';
export {
  cloneJob,
  deleteJob,
  getJobMeta,
  type JobMeta,
  type JobRow,
  type ListJobsOptions,
  listJobs,
} from './manage.ts';
export { type JobSigner, type PackedJob, type PackJobOptions, packJob } from './pack.ts';
export {
  connectedClients,
  lineOf,
  signerOf,
  type SubmitJobOptions,
  type SubmittedJob,
  submitJob,
  uploadJob,
} from './submit.ts';
export { defaultUnpackLimits, type UnpackLimits, type UnpackOptions, unpackZip } from './unpack.ts';
