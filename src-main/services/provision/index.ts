export { loadCcConfigs } from './cc-files.ts';
export { planProvision, type PlanOptions, type ProvisionPlan } from './plan.ts';
export {
  provision,
  type Provisioned,
  type ProvisionedParticipant,
  type ProvisionOptions,
} from './provision.ts';
