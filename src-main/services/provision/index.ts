export {
  provision,
  type Provisioned,
  type ProvisionedParticipant,
  type ProvisionOptions,
} from './provision.ts';
